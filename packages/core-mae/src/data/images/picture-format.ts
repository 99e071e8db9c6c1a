import { FOREIGN_FORMATS, type ForeignFormat } from '../../base/foreign-formats.js';
import { MaeError } from '../../base/errors.js';

/** Formats that are read. */
export type PictureFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'TIFF' | 'AVIF' | 'BMP';

/** How far into a file its beginning is looked for: an SVG may have comments first. */
const BEGINNING = 4096;

/**
 * What a file is by its content, whatever its name.
 *
 * @throws MaeError `IMAGE_INVALID`, naming the format where it is a known one, and what to do about it
 */
export function requirePictureFormat(bytes: Uint8Array, path: string): PictureFormat {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, BEGINNING));
  const start = buffer.toString('latin1');
  const format = readFormatOf(start);
  if (format !== undefined) return format;
  const foreign = foreignFormatOf(start);
  throw new MaeError('IMAGE_INVALID', {
    what:
      foreign === undefined
        ? 'this is not a readable picture: its content is none of JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP'
        : `this is not a readable picture: it is a file of the format ${foreign.name}, which is not read`,
    where: path,
    ...(foreign === undefined ? {} : { fix: foreign.fix }),
  });
}

/** @param start the file's first bytes, a character each */
function readFormatOf(start: string): PictureFormat | undefined {
  if (start.startsWith('\xff\xd8\xff')) return 'JPEG';
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG';
  if (start.startsWith('RIFF') && start.startsWith('WEBP', 8)) return 'WebP';
  if (/^GIF8[79]a/u.test(start)) return 'GIF';
  if (/^(?:II[*+]\0|MM\0[*+])/u.test(start) && !start.startsWith('CR', 8)) return 'TIFF';
  if (start.startsWith('ftyp', 4) && /avi[fs]/u.test(brandsOf(start))) return 'AVIF';
  if (start.startsWith('BM') && isBmpHeaderSize(start)) return 'BMP';
  return undefined;
}

/** Text files may begin with BM as well; the size of a BMP's second header is one of a few. */
function isBmpHeaderSize(start: string): boolean {
  return [12, 16, 40, 52, 56, 64, 108, 124].includes(start.charCodeAt(14)) && start.startsWith('\0\0\0', 15);
}

function foreignFormatOf(start: string): ForeignFormat | undefined {
  if (/^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)/iu.test(start)) return FOREIGN_FORMATS.webPage;
  if (/^(?:\xef\xbb\xbf)?\s*<(?:[^]*<)?(?:svg:)?svg[\s>]/iu.test(start)) return FOREIGN_FORMATS.svg;
  if (/^(?:\xff\xfe<\0|\xfe\xff\0<)/u.test(start) && start.replaceAll('\0', '').includes('<svg'))
    return FOREIGN_FORMATS.svg;
  if (start.startsWith('ftyp', 4)) {
    if (/he[im][cfxsv]|hev[cx]|mif1|msf1/u.test(brandsOf(start))) return FOREIGN_FORMATS.heic;
    return brandsOf(start).startsWith('crx') ? FOREIGN_FORMATS.raw : FOREIGN_FORMATS.video;
  }
  if (/^P[1-7Ff]\s/u.test(start)) return FOREIGN_FORMATS.netpbm;
  // A camera of Canon says so after the header of its TIFF.
  if (/^(?:II|MM)/u.test(start) && start.startsWith('CR', 8)) return FOREIGN_FORMATS.raw;
  return MAGICS.find(([at, magic]) => start.startsWith(magic, at))?.[2];
}

/** The major brand and the compatible ones of a file of the ISO base media format (ISO/IEC 14496-12). */
function brandsOf(start: string): string {
  const size = start.charCodeAt(2) * 256 + start.charCodeAt(3);
  return start.slice(8, 12) + start.slice(16, Math.max(16, Math.min(size, 256)));
}

/** What formats have at a place of their files. */
const MAGICS: ReadonlyArray<readonly [at: number, magic: string, format: ForeignFormat]> = [
  [0, '%PDF-', FOREIGN_FORMATS.pdf],
  [0, '8BPS', FOREIGN_FORMATS.photoshop],
  [0, '\0\0\x01\0', FOREIGN_FORMATS.icon],
  [0, '\0\0\x02\0', FOREIGN_FORMATS.icon],
  [0, '\xff\x0a', FOREIGN_FORMATS.jpegXl],
  [0, '\0\0\0\x0cJXL ', FOREIGN_FORMATS.jpegXl],
  [0, '\xff\x4f\xff\x51', FOREIGN_FORMATS.jpeg2000],
  [0, '\0\0\0\x0cjP  ', FOREIGN_FORMATS.jpeg2000],
  [0, '\x76\x2f\x31\x01', FOREIGN_FORMATS.openExr],
  [0, '#?RADIANCE', FOREIGN_FORMATS.radiance],
  [0, '#?RGBE', FOREIGN_FORMATS.radiance],
  [128, 'DICM', FOREIGN_FORMATS.dicom],
  [0, 'SIMPLE  =', FOREIGN_FORMATS.fits],
  [0, '\x93NUMPY', FOREIGN_FORMATS.numpy],
  [0, 'FUJIFILM', FOREIGN_FORMATS.raw],
  [0, 'IIRO', FOREIGN_FORMATS.raw],
  [0, 'IIRS', FOREIGN_FORMATS.raw],
  [0, 'IIU\0', FOREIGN_FORMATS.raw],
  [0, '\x1a\x45\xdf\xa3', FOREIGN_FORMATS.video],
  [8, 'AVI ', FOREIGN_FORMATS.video],
];
