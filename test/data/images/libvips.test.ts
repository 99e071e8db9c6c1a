import sharp, { type JpegOptions } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeJpegByLibvips } from '#core/data/images/libvips.js';
import type { Image } from '#core/data/images/picture.js';
import { createRandom } from '#core/base/random.js';

/** Smooth areas, edges and noise, so that blocks of every kind occur. */
function drawing(width: number, height: number, channels: 1 | 3, seed: number): Image {
  const random = createRandom(seed);
  const [roughness, edge] = [random.integer(120), 1 + random.integer(width)];
  const data = Uint8Array.from({ length: width * height * channels }, (_, at) => {
    const pixel = Math.floor(at / channels);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const smooth = ((x * (3 + (at % channels)) + 2 * y) % 256) * (x % edge < edge / 2 ? 1 : 0.3);
    const noise = y % 32 < 16 ? random.integer(roughness + 1) : 0;
    return Math.max(0, Math.min(255, smooth + noise));
  });
  return { data, width, height, channels };
}

function encode({ data, width, height, channels }: Image, options: JpegOptions): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: channels as 1 | 3 } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .jpeg(options)
    .toBuffer();
}

describe('decodeJpegByLibvips', () => {
  it('refuses damage of which libjpeg only warns, in progressive files too', async () => {
    for (const progressive of [false, true]) {
      const bytes = await encode(drawing(200, 150, 3, 5), { quality: 90, progressive });
      bytes.set([0xff, 0xd9], bytes.length >> 1);
      await expect(decodeJpegByLibvips(bytes, { orient: false })).rejects.toThrow(/Corrupt JPEG data/u);
    }
  });

  it('accepts superfluous bytes before a marker', async () => {
    const bytes = await encode(drawing(40, 30, 3, 6), { progressive: true });
    const padded = Buffer.concat([bytes.subarray(0, -2), Buffer.alloc(9), bytes.subarray(-2)]);
    const expected = await decodeJpegByLibvips(bytes, { orient: false });
    expect(await decodeJpegByLibvips(padded, { orient: false })).toEqual(expected);
  });
});
