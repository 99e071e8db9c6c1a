import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { pictureSheetPng, type SheetPicture } from '#core/report/sheets/picture-sheet.js';

const filled = (width: number, height: number, color: readonly number[]): SheetPicture => ({
  data: Uint8Array.from({ length: width * height * color.length }, (_, index) => color[index % color.length]!),
  width,
  height,
  channels: color.length,
});

interface Pixels {
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): number[];
  /** How many pixels have exactly this colour. */
  count(color: readonly number[]): number;
}

async function pixelsOf(png: Buffer): Promise<Pixels> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(3);
  const at = (x: number, y: number): number[] => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ];
  return {
    width: info.width,
    height: info.height,
    at,
    count: ([r, g, b]) => {
      let count = 0;
      for (let i = 0; i < data.length; i += 3) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count++;
      return count;
    },
  };
}

const red = [200, 10, 10] as const;
const blue = [10, 10, 200] as const;

describe('a sheet of pictures', () => {
  it('shows pictures of usual size as they are', async () => {
    const sheet = { rows: [{ pictures: [filled(224, 200, red), filled(224, 200, blue)] }] };
    const pixels = await pixelsOf(await pictureSheetPng(sheet));
    expect([pixels.width, pixels.height]).toEqual([14 + 224 + 8 + 224 + 14, 14 + 200 + 14]);
    expect(pixels.count(red)).toBe(224 * 200);
    expect(pixels.count(blue)).toBe(224 * 200);
    expect(pixels.at(0, 0)).toEqual([255, 255, 255]);
    expect(pixels.at(14, 14)).toEqual(red);
  });

  it('enlarges small ones by whole factors, every pixel a square', async () => {
    const checks: SheetPicture = { data: Uint8Array.from([255, 0, 0, 255]), width: 2, height: 2, channels: 1 };
    const pixels = await pixelsOf(await pictureSheetPng({ rows: [{ pictures: [checks] }] }));
    expect(pixels.width).toBe(14 + 160 + 14);
    for (const [x, y, value] of [
      [0, 0, 255],
      [79, 79, 255],
      [80, 79, 0],
      [79, 80, 0],
      [80, 80, 255],
    ] as const) {
      expect(pixels.at(14 + x, 14 + y)).toEqual([value, value, value]);
    }
    expect(pixels.count([0, 0, 0])).toBe(2 * 80 * 80);
  });

  it('enlarges smoothly when asked to', async () => {
    const edge: SheetPicture = { data: Uint8Array.from([0, 255]), width: 2, height: 1, channels: 1 };
    const pixels = await pixelsOf(await pictureSheetPng({ rows: [{ pictures: [edge] }] }, { enlarging: 'smooth' }));
    const middle = pixels.at(14 + 80, 14 + 40)[0]!;
    expect(middle).toBeGreaterThan(60);
    expect(middle).toBeLessThan(200);
  });

  it('shrinks large ones and keeps their shape', async () => {
    const pixels = await pixelsOf(await pictureSheetPng({ rows: [{ pictures: [filled(2048, 1024, red)] }] }));
    expect([pixels.width, pixels.height]).toEqual([14 + 512 + 14, 14 + 256 + 14]);
  });

  it('takes pictures of different sizes and channels, empty places, captions and a title', async () => {
    const png = await pictureSheetPng({
      title: 'Reconstructions, masked 75 %',
      columns: ['original', 'masked', 'reconstruction'],
      rows: [
        { caption: 'a picture with a very, very long name.jpg', pictures: [filled(200, 100, red), undefined] },
        { pictures: [filled(100, 200, [90]), { ...filled(64, 64, [...blue, 255]), caption: 'cat' }] },
        { caption: 'short', pictures: [] },
      ],
    });
    const pixels = await pixelsOf(png);
    expect(pixels.count(red)).toBe(200 * 100);
    expect(pixels.count([90, 90, 90])).toBe(100 * 200);
    expect(pixels.count(blue)).toBe(192 * 192);
  });

  it('draws captions without any font', async () => {
    const sheet = { columns: ['original'], rows: [{ pictures: [filled(200, 200, red)] }] };
    const pixels = await pixelsOf(await pictureSheetPng(sheet));
    let dark = 0;
    for (let y = 14; y < 30; y++) for (let x = 14; x < 214; x++) if (pixels.at(x, y)[0]! < 128) dark++;
    expect(dark).toBeGreaterThan(30);
  });

  it.each([
    ['too few values', { data: new Uint8Array(5), width: 2, height: 1, channels: 3 }],
    ['no size', { data: new Uint8Array(0), width: 0, height: 0, channels: 3 }],
    ['two channels', { data: new Uint8Array(2), width: 1, height: 1, channels: 2 }],
  ])('refuses a picture with %s', async (_, picture) => {
    await expect(pictureSheetPng({ rows: [{ pictures: [picture] }] })).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('refuses a sheet that no viewer would show', async () => {
    const rows = Array.from({ length: 200 }, () => ({ pictures: [filled(1, 1, red)] }));
    await expect(pictureSheetPng({ rows }, { minSide: 512 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });
});
