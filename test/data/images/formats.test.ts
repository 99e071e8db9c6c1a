import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage, openImage } from '#core/data/images/image.js';
import { isPictureName, notPictures } from '#core/base/picture-names.js';
import { imageFolder } from '#core/data/readers/image-folder.js';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-formats-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function store(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
const ascii = (text: string, length = 64): Buffer => Buffer.concat([Buffer.from(text, 'latin1')], length);

describe('files that are no pictures by their content', () => {
  it.each<readonly [string, string, Buffer]>([
    ['an SVG', 'SVG', Buffer.from(svg)],
    [
      'an SVG after a declaration, comments and a byte order mark',
      'SVG',
      Buffer.from(`\ufeff<?xml version="1.0"?>\n<!-- a -->\n${svg}`),
    ],
    ['an SVG in UTF-16', 'SVG', Buffer.from(`\ufeff${svg}`, 'utf16le')],
    ['a HEIC', 'HEIC', ascii('\0\0\0\x18ftypheic\0\0\0\0mif1heic')],
    ['a HEIF of the general brand', 'HEIC', ascii('\0\0\0\x18ftypmif1\0\0\0\0mif1heic')],
    ['a PDF', 'PDF', ascii('%PDF-1.7\n')],
    ['a Photoshop file', 'Photoshop', ascii('8BPS\0\x01')],
    ['an icon', 'ICO', ascii('\0\0\x01\0\x01\0\x10\x10')],
    ['a JPEG XL stream', 'JPEG XL', ascii('\xff\x0a')],
    ['a JPEG XL file', 'JPEG XL', ascii('\0\0\0\x0cJXL \r\n\x87\n')],
    ['a JPEG 2000', 'JPEG 2000', ascii('\0\0\0\x0cjP  \r\n\x87\n')],
    ['a DICOM', 'DICOM', ascii(`${'\0'.repeat(128)}DICM`, 200)],
    ['an OpenEXR', 'OpenEXR', ascii('\x76\x2f\x31\x01')],
    ['a raw file', "cameras' raw", ascii('II*\0\x10\0\0\0CR\x02\0')],
    ['a video', 'video', ascii('\0\0\0\x18ftypisom\0\0\0\0isom')],
    ['a web page', 'HTML', Buffer.from(`<!DOCTYPE html><html><body>404 ${svg}</body></html>`)],
    ['a NumPy array', 'NumPy', ascii('\x93NUMPY\x01\0')],
    ['a PPM', 'Netpbm', ascii('P6\n1 1\n255\nabc')],
  ])('%s named .png is named, with what to do', async (_, name, bytes) => {
    const path = store('picture.png', bytes);
    const run = decodeImage({ kind: 'file', path });
    await expect(run).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    await expect(run).rejects.toThrow(`it is a file of the format ${name}, which is not read — ${path} — `);
  });

  it.each([
    ['a text that begins like a bitmap', 'BMW and other cars, and more text'],
    ['gzip', gzipSync(svg)],
    ['nothing known', Buffer.alloc(64, 1)],
  ])('%s is no known format', async (_, bytes) => {
    const run = decodeImage({ kind: 'file', path: store('picture.png', bytes) });
    await expect(run).rejects.toThrow(/its content is none of JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP/u);
  });
});

describe('files that are no pictures by name', () => {
  it('are named with what to do about their format', async () => {
    expect(notPictures('photos', ['a.jpg', 'IMG_1.HEIC', 'notes.txt'])).toEqual([
      expect.stringMatching(
        /^photos: 2 files .*\(IMG_1.HEIC, notes.txt; HEIC files are not read: convert them .*magick/u,
      ),
    ]);
    const only = mkdtempSync(join(folder, 'heic-'));
    writeFileSync(join(only, 'a.heic'), ascii('\0\0\0\x18ftypheic'));
    await expect(imageFolder(only)).rejects.toThrow(/no pictures in this folder.*HEIC files are not read: convert/u);
  });

  it('are told from those that are', () => {
    const names = ['a.bmp', 'a.DIB', 'a.TIF', 'a.jpe', 'a.svg', 'a.heic', 'a.pdf', 'a.psd', 'a.ico', 'a.jxl'];
    expect(names.filter(isPictureName)).toEqual(['a.bmp', 'a.DIB', 'a.TIF', 'a.jpe']);
  });
});

describe('animations', () => {
  it.each(['gif', 'webp'] as const)('of a %s are noted, and the first frame is used', async (format) => {
    const frames = Buffer.concat([Buffer.alloc(16 * 16 * 3, 250), Buffer.alloc(16 * 16 * 3, 5)]);
    const raw = { width: 16, height: 32, channels: 3, pageHeight: 16 } as const;
    const path = store(`a.${format}`, await sharp(frames, { raw }).toFormat(format).toBuffer());
    const opened = await openImage({ kind: 'file', path });
    expect(opened.notes).toEqual(['files of several frames or pages, of which the first is used']);
    expect([opened.width, opened.height]).toEqual([16, 16]);
  });
});
