import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type JpegOptions } from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { crop } from '#core/data/images/crop.js';
import { decodeImage, openImage } from '#core/data/images/image.js';
import type { Image } from '#core/data/images/picture.js';
import { createRandom } from '#core/base/random.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-fast-jpeg-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function store(name: string, bytes: Uint8Array): { readonly kind: 'file'; readonly path: string } {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return { kind: 'file', path };
}

/** Smooth colours with an edge and a little noise. */
function drawing(seed: number, width = 61, height = 43) {
  const random = createRandom(seed);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    return (x * (3 + (at % 3)) + (y > 20 ? 90 : 2 * y) + random.integer(12)) % 256;
  });
  return sharp(data, { raw: { width, height, channels: 3 } });
}

const jpeg = (seed: number, options: JpegOptions = {}) =>
  drawing(seed)
    .jpeg({ quality: 90, ...options })
    .toBuffer();

function differences(a: Image, b: Image): { readonly most: number; readonly mean: number } {
  const all = a.data.map((value, at) => Math.abs(value - b.data[at]!));
  return { most: Math.max(...all), mean: all.reduce((sum, value) => sum + value, 0) / all.length };
}

describe('jpegDct: fast', () => {
  it.each([
    ['4:2:0', false],
    ['4:4:4', false],
    ['4:2:0', true],
  ] as const)('is near the accurate transform: %s, progressive %s', async (chromaSubsampling, progressive) => {
    const source = store('a.jpg', await jpeg(1, { chromaSubsampling, progressive }));
    const [fast, accurate] = [await decodeImage(source, { jpegDct: 'fast' }), await decodeImage(source)];
    expect({ ...fast, data: 0 }).toEqual({ ...accurate, data: 0 });
    const { most, mean } = differences(fast, accurate);
    expect(mean).toBeGreaterThan(0);
    expect(mean).toBeLessThan(1.5);
    expect(most).toBeLessThanOrEqual(8);
  });

  it('reads boxes, and keeps each picture when the next is read', async () => {
    const [first, second] = [store('1.jpg', await jpeg(1)), store('2.jpg', await jpeg(2))];
    const one = await decodeImage(first, { jpegDct: 'fast' });
    const copy = one.data.slice();
    const opened = await openImage(first, { jpegDct: 'fast' });
    const part = await opened.read([5, 7, 33, 21]);
    await decodeImage(second, { jpegDct: 'fast' });
    expect(one.data).toEqual(copy);
    expect(part).toEqual(crop({ ...one, data: copy }, [5, 7, 33, 21]));
  });

  it('leaves grey, turned and CMYK pictures to the accurate one', async () => {
    const sources = [
      store('grey.jpg', await drawing(3).toColourspace('b-w').jpeg().toBuffer()),
      store('turned.jpg', await drawing(4).withMetadata({ orientation: 6 }).jpeg().toBuffer()),
      store('cmyk.jpg', await drawing(5).toColourspace('cmyk').jpeg().toBuffer()),
    ];
    for (const source of sources) {
      expect(await decodeImage(source, { jpegDct: 'fast' })).toEqual(await decodeImage(source));
    }
  });

  it('tells damage and harmless bytes apart as ever', async () => {
    const damaged = await jpeg(6);
    damaged.set([0xff, 0xd9], damaged.length >> 1);
    await expect(decodeImage(store('damaged.jpg', damaged), { jpegDct: 'fast' })).rejects.toThrow(
      /not a readable picture.*damaged\.jpg/u,
    );
    const whole = await jpeg(7);
    const padded = store('padded.jpg', Buffer.concat([whole.subarray(0, -2), Buffer.alloc(9), whole.subarray(-2)]));
    expect((await decodeImage(padded, { jpegDct: 'fast' })).width).toBe(61);
  });
});

describe('jpegDct: fast without its package', () => {
  afterEach(() => {
    vi.doUnmock('@julusian/jpeg-turbo');
    vi.resetModules();
  });

  it('says what to install', async () => {
    vi.resetModules();
    vi.doMock('@julusian/jpeg-turbo', () => {
      throw new Error("Cannot find package '@julusian/jpeg-turbo'");
    });
    const { decodeImage: decode } = await import('#core/data/images/image.js');
    await expect(decode(store('b.jpg', await jpeg(1)), { jpegDct: 'fast' })).rejects.toThrow(
      /npm i @julusian\/jpeg-turbo/u,
    );
  });
});
