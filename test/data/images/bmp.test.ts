import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage, openImage } from '#core/data/images/image.js';
import { imageFolder } from '#core/data/readers/image-folder.js';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-bmp-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Bitmap {
  readonly width: number;
  /** Below 0 from the top down. */
  readonly height: number;
  readonly bits: number;
  /** Rows as they lie in the file, padding included. */
  readonly pixels: readonly number[];
  /** Red, green, blue. */
  readonly palette?: ReadonlyArray<readonly [number, number, number]>;
  readonly compression?: number;
  /** Default 40. */
  readonly headerSize?: 12 | 40 | 56 | 108 | 124;
  /** Red, green, blue and perhaps alpha. */
  readonly masks?: readonly number[];
}

function bmp({
  width,
  height,
  bits,
  pixels,
  palette = [],
  compression = 0,
  headerSize = 40,
  masks = [],
}: Bitmap): Buffer {
  const isCore = headerSize === 12;
  const masksAfter = headerSize === 40 ? 4 * masks.length : 0;
  const offset = 14 + headerSize + masksAfter + palette.length * (isCore ? 3 : 4);
  const file = Buffer.alloc(offset + pixels.length);
  file.write('BM', 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(offset, 10);
  file.writeUInt32LE(headerSize, 14);
  if (isCore) {
    [width, height, 1, bits].forEach((value, index) => file.writeUInt16LE(value, 18 + 2 * index));
  } else {
    file.writeInt32LE(width, 18);
    file.writeInt32LE(height, 22);
    file.writeUInt16LE(1, 26);
    file.writeUInt16LE(bits, 28);
    file.writeUInt32LE(compression, 30);
    file.writeUInt32LE(palette.length, 46);
  }
  masks.forEach((mask, index) => file.writeUInt32LE(mask, 54 + 4 * index));
  palette.forEach(([red, green, blue], index) => {
    const at = 14 + headerSize + masksAfter + index * (isCore ? 3 : 4);
    file.set([blue, green, red], at);
  });
  file.set(pixels, offset);
  return file;
}

function store(bytes: Uint8Array, name = 'picture.bmp'): { readonly kind: 'file'; readonly path: string } {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return { kind: 'file', path };
}

async function pixels(bitmap: Bitmap, channels = 3): Promise<number[][]> {
  const { data, width, height } = await decodeImage(store(bmp(bitmap)), { channels });
  return Array.from({ length: width * height }, (_, pixel) => [
    ...data.subarray(pixel * channels, (pixel + 1) * channels),
  ]);
}

const [black, white, red, green, blue] = [
  [0, 0, 0],
  [255, 255, 255],
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
] as const;

describe('BMP', () => {
  const rows = [0, 0, 255, 0, 255, 0, 0, 0, 255, 0, 0, 255, 255, 255, 0, 0];

  it('of 24 bits from the bottom up, from the top down, and with a header of OS/2', async () => {
    const expected = [blue, white, red, green];
    expect(await pixels({ width: 2, height: 2, bits: 24, pixels: rows })).toEqual(expected);
    expect(await pixels({ width: 2, height: -2, bits: 24, pixels: rows })).toEqual([red, green, blue, white]);
    expect(await pixels({ width: 2, height: 2, bits: 24, pixels: rows, headerSize: 12 })).toEqual(expected);
    // Some writers leave out the padding of the last row.
    expect(await pixels({ width: 2, height: 2, bits: 24, pixels: rows.slice(0, -2) })).toEqual(expected);
  });

  it.each([
    [1, [0b01100000, 0, 0, 0]],
    [4, [0x01, 0x10, 0, 0]],
    [8, [0, 1, 1, 0]],
  ])('of %i bits with a palette', async (bits, row) => {
    const bitmap = { width: 4, height: 1, bits, pixels: row, palette: [red, blue] };
    expect(await pixels(bitmap)).toEqual([red, blue, blue, red]);
    expect(await pixels({ ...bitmap, headerSize: 12 })).toEqual([red, blue, blue, red]);
  });

  it('of 2 bits with a palette', async () => {
    const palette = [black, red, green, blue];
    expect(await pixels({ width: 4, height: 1, bits: 2, pixels: [0b00011011, 0, 0, 0], palette })).toEqual(palette);
  });

  it('of 16 bits: five of each colour, or as the masks say', async () => {
    const pair = (first: number, second: number) => [first & 255, first >> 8, second & 255, second >> 8];
    const five = { width: 2, height: 1, bits: 16 };
    expect(await pixels({ ...five, pixels: pair(0x7c00, 16 << 5) })).toEqual([red, [0, 132, 0]]);
    const masked = { ...five, compression: 3, masks: [0xf800, 0x7e0, 0x1f], pixels: pair(0xf800, 32 << 5) };
    expect(await pixels(masked)).toEqual([red, [0, 130, 0]]);
  });

  it('of 32 bits: the fourth byte is nothing without a mask, and alpha with one', async () => {
    const plain = { width: 2, height: 1, bits: 32, pixels: [0, 0, 255, 0, 255, 0, 0, 128] };
    expect(await pixels(plain)).toEqual([red, blue]);
    const masks = [0xff0000, 0xff00, 0xff, 0xff000000];
    for (const headerSize of [56, 108, 124] as const) {
      const masked = { ...plain, compression: 3, masks, headerSize };
      expect(await pixels(masked, 4)).toEqual([
        [...red, 0],
        [...blue, 128],
      ]);
      expect(await pixels(masked)).toEqual([white, [127, 127, 255]]);
    }
    // Alpha that is 0 everywhere is none.
    expect(
      await pixels({ ...plain, pixels: [0, 0, 255, 0, 255, 0, 0, 0], compression: 3, masks, headerSize: 56 }),
    ).toEqual([red, blue]);
    expect(await pixels({ ...plain, compression: 6, masks }, 4)).toEqual([
      [...red, 0],
      [...blue, 128],
    ]);
  });

  it('of run lengths: runs, pixels as they are, ends of rows and jumps', async () => {
    const palette = [black, red, green, blue];
    const eight = [2, 1, 0, 0, 0, 3, 3, 2, 1, 0, 0, 0, 0, 2, 1, 0, 1, 3, 0, 1];
    expect(await pixels({ width: 3, height: 3, bits: 8, compression: 1, pixels: eight, palette })).toEqual([
      ...[black, blue, black],
      ...[blue, green, red],
      ...[red, red, black],
    ]);
    const four = [3, 0x12, 0, 0, 0, 3, 0x32, 0x10, 0, 1];
    expect(await pixels({ width: 3, height: 2, bits: 4, compression: 2, pixels: four, palette })).toEqual([
      ...[blue, green, red],
      ...[red, green, red],
    ]);
  });

  it('is read by boxes and by any name, and found in folders', async () => {
    const source = store(bmp({ width: 2, height: 2, bits: 24, pixels: rows }), 'photo.BMP');
    const opened = await openImage(source);
    expect([...(await opened.read([1, 0, 2, 2])).data]).toEqual([...white, ...green]);
    store(bmp({ width: 2, height: 2, bits: 24, pixels: rows }), 'misnamed.jpg');
    expect((await imageFolder(folder)).size).toBeGreaterThanOrEqual(2);
    expect((await decodeImage({ kind: 'file', path: join(folder, 'misnamed.jpg') })).width).toBe(2);
  });

  const good: Bitmap = { width: 2, height: 2, bits: 24, pixels: rows };
  it.each<readonly [string, Buffer, RegExp]>([
    ['pixels that are missing', bmp({ ...good, pixels: rows.slice(0, 12) }), /ends before its picture does/u],
    ['a header that is cut', bmp(good).subarray(0, 30), /ends before its picture does/u],
    ['a size of 0', bmp({ ...good, width: 0 }), /size is 0 × 2/u],
    ['a width below 0', bmp({ ...good, width: -2 }), /size is -2 × 2/u],
    ['5 bits', bmp({ ...good, bits: 5 }), /BMP of 5 bits/u],
    ['a JPEG inside', bmp({ ...good, compression: 4 }), /BMP of the compression 4 with 24 bits/u],
    ['run lengths from the top down', bmp({ ...good, bits: 8, height: -2, compression: 1 }), /compression 1/u],
    ['a colour beyond the palette', bmp({ ...good, bits: 8, palette: [black] }), /the colour \d+ of a palette of 1/u],
    [
      'a run that leaves the picture',
      bmp({ width: 2, height: 1, bits: 8, compression: 1, pixels: [255, 0, 0, 1], palette: [black] }),
      /leaves the picture/u,
    ],
    [
      'run lengths without an end',
      bmp({ width: 2, height: 1, bits: 8, compression: 1, pixels: [2, 0, 0, 0], palette: [black] }),
      /ends before its picture does/u,
    ],
    ['bits of a colour that lie apart', bmp({ ...good, bits: 16, compression: 3, masks: [5, 2, 8] }), /mask 0x5/u],
  ])('refuses %s', async (_, bytes, message) => {
    const run = decodeImage(store(bytes));
    await expect(run).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    await expect(run).rejects.toThrow(message);
    await expect(run).rejects.toThrow(folder);
  });

  it('refuses a size beyond the limit before it takes memory', async () => {
    const run = decodeImage(store(bmp({ ...good, width: 2 ** 30, height: 2 ** 30 })));
    await expect(run).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it('never fails otherwise, whatever byte is damaged', async () => {
    const files = [
      bmp(good),
      bmp({
        width: 3,
        height: 2,
        bits: 4,
        compression: 2,
        pixels: [3, 0x12, 0, 0, 3, 0x11, 0, 1],
        palette: [red, blue],
      }),
      bmp({ width: 1, height: 1, bits: 32, compression: 3, masks: [255, 255 << 8, 255 << 16], pixels: [1, 2, 3, 4] }),
    ];
    for (const file of files) {
      for (let at = 2; at < file.length; at++) {
        for (const value of [0, 1, 127, 255]) {
          const damaged = Buffer.from(file);
          damaged[at] = value;
          await decodeImage(store(damaged), { maxPixels: 1e6 }).catch((error: unknown) => {
            expect(error).toMatchObject({ name: 'MaeError' });
          });
        }
      }
    }
  });
});
