import { readFileSync } from 'node:fs';
import sharp, { type JpegOptions } from 'sharp';
import { describe, expect, it } from 'vitest';
import wabt from 'wabt';
import type { Box } from '#core/contracts/transform.js';
import { withChannels } from '#core/data/channels.js';
import { crop } from '#core/data/crop.js';
import { decodeJpeg } from '#core/data/jpeg-decoder.js';
import { readJpegFrame } from '#core/data/jpeg-frame.js';
import { wasmBase64 } from '#core/data/jpeg-kernels.wasm.js';
import { decodeJpegByLibvips } from '#core/data/libvips.js';
import { type Image, ownPixels } from '#core/data/picture.js';
import { createRandom } from '#core/nn/random.js';

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

/** In three channels: libvips repeats grey, we leave that to the caller. */
async function libvipsDecoded(bytes: Uint8Array): Promise<Image> {
  return withChannels(await decodeJpegByLibvips(bytes, { orient: false }), 3, [0, 0, 0]);
}

function inColor(image: Image | undefined): Image | undefined {
  return image && withChannels(image, 3, [0, 0, 0]);
}

function decode(bytes: Uint8Array, box?: Box): Image | undefined {
  const frame = readJpegFrame(bytes);
  return frame && decodeJpeg(bytes, frame, box ?? [0, 0, frame.width, frame.height], ownPixels);
}

function fixture(name: string): Uint8Array {
  return readFileSync(new URL(`../fixtures/jpeg/${name}`, import.meta.url));
}

describe('decodeJpeg', () => {
  it('gives libjpeg-turbo’s pixels for any size, quality, sampling and Huffman code', async () => {
    const random = createRandom(5);
    for (let round = 0; round < 120; round++) {
      const channels = round % 5 === 0 ? 1 : 3;
      const image = drawing(5 + random.integer(90), 1 + random.integer(90), channels, round);
      const bytes = await encode(image, {
        quality: [1, 10, 50, 75, 92, 98, 100][round % 7]!,
        chromaSubsampling: round % 2 === 0 ? '4:2:0' : '4:4:4',
        optimiseCoding: round % 3 === 0,
      });
      const decoded = decode(bytes);
      expect(decoded?.channels).toBe(channels);
      expect(inColor(decoded)).toEqual(await libvipsDecoded(bytes));
    }
  });

  it('gives a box the pixels of the whole', async () => {
    const random = createRandom(6);
    for (let round = 0; round < 40; round++) {
      const image = drawing(60 + random.integer(90), 60 + random.integer(90), round % 4 === 0 ? 1 : 3, round);
      const bytes = await encode(image, { chromaSubsampling: round % 2 === 0 ? '4:2:0' : '4:4:4' });
      const whole = decode(bytes)!;
      const [left, top] = [random.integer(image.width), random.integer(image.height)];
      const [columns, rows] = [1 + random.integer(image.width - left), 1 + random.integer(image.height - top)];
      const box: Box = [left, top, left + columns, top + rows];
      expect(decode(bytes, box)).toEqual(ownPixels(crop(whole, box)));
    }
  });

  it.each(['422.jpg', '422-restart-rows.jpg', '420-restarts.jpg', 'grey-restarts.jpg'])(
    'decodes %s, whole and in boxes',
    async (name) => {
      const bytes = fixture(name);
      const whole = decode(bytes)!;
      expect(inColor(whole)).toEqual(await libvipsDecoded(bytes));
      for (const box of [
        [0, 0, 1, 1],
        [7, 9, 33, 30],
        [60, 44, 61, 45],
        [0, 16, 61, 17],
      ] as const) {
        expect(decode(bytes, box)).toEqual(ownPixels(crop(whole, box)));
      }
    },
  );

  it.each(['440.jpg', '411.jpg', 'arithmetic.jpg'])('leaves %s to libvips', (name) => {
    expect(readJpegFrame(fixture(name))).toBeUndefined();
  });

  it('leaves progressive and CMYK files to libvips', async () => {
    const image = drawing(40, 30, 3, 1);
    expect(readJpegFrame(await encode(image, { progressive: true }))).toBeUndefined();
    const cmyk = await sharp(image.data, { raw: { width: 40, height: 30, channels: 3 } })
      .toColourspace('cmyk')
      .jpeg()
      .toBuffer();
    expect(readJpegFrame(cmyk)).toBeUndefined();
  });

  it('does not look past what the box needs, and sees data that ends too early', async () => {
    const bytes = await encode(drawing(64, 200, 3, 2), { quality: 90 });
    const cut = bytes.subarray(0, Math.floor(bytes.length * 0.6));
    expect(decode(cut, [0, 0, 64, 20])).toEqual(decode(bytes, [0, 0, 64, 20]));
    expect(decode(cut)).toBeUndefined();
  });

  it('never throws on damaged files, and where it gives pixels they are libjpeg’s', async () => {
    const random = createRandom(8);
    const sources = [
      await encode(drawing(50, 40, 3, 3), { quality: 80 }),
      await encode(drawing(50, 40, 1, 4), { quality: 80, optimiseCoding: false }),
      fixture('420-restarts.jpg'),
    ];
    let numDecoded = 0;
    for (let round = 0; round < 600; round++) {
      const bytes = Uint8Array.from(sources[round % sources.length]!);
      const firstAt = round % 2 === 0 ? 2 : bytes.length >> 1;
      for (let change = 0; change < 1 + (round % 3); change++) {
        bytes[firstAt + random.integer(bytes.length - firstAt)] = random.integer(256);
      }
      const decoded = decode(bytes);
      if (decoded === undefined) continue;
      numDecoded++;
      const pixels = await sharp(bytes, { failOn: 'none', ignoreIcc: true }).toColourspace('srgb').raw().toBuffer();
      expect(Buffer.compare(inColor(decoded)!.data, pixels)).toBe(0);
    }
    expect(numDecoded).toBeGreaterThan(50);
  });
});

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

describe('jpeg-kernels.wat', () => {
  it('is what jpeg-kernels.wasm.ts was compiled from', async () => {
    const path = new URL('../../packages/core-mae/src/data/jpeg-kernels.wat', import.meta.url);
    const compiler = await wabt();
    const { buffer } = compiler.parseWat('jpeg-kernels.wat', readFileSync(path, 'utf8'), { simd: true }).toBinary({
      canonicalize_lebs: true,
    });
    expect(Buffer.from(buffer).toString('base64')).toBe(wasmBase64);
  });
});
