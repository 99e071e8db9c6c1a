import { beforeAll, describe, expect, it } from 'vitest';
import type { Sample } from '#core/contracts/dataset.js';
import { createRandom } from '#core/base/random.js';
import {
  rotate,
  shearX,
  shearY,
  translateX,
  translateY,
} from '../../../packages/plugin-classify/src/augmentation/affine.js';
import {
  autoContrast,
  brightness,
  type ByteImage,
  color,
  contrast,
  equalize,
  invert,
  type PixelOperation,
  posterize,
  sharpness,
  solarize,
  solarizeAdd,
} from '../../../packages/plugin-classify/src/augmentation/pixel-operations.js';
import { parseRandAugment, randAugment } from '../../../packages/plugin-classify/src/augmentation/rand-augment.js';
import { randomErasing } from '../../../packages/plugin-classify/src/augmentation/random-erasing.js';
import { readReference, type Reference } from '../../models/reference.js';

const fill = [124, 116, 104];
const operations: Readonly<Record<string, PixelOperation>> = {
  autoContrast,
  equalize,
  invert,
  'rotate+27': rotate(27, fill),
  'rotate-13.5': rotate(-13.5, fill),
  posterize1: posterize(1),
  posterize3: posterize(3),
  solarize26: solarize(26),
  solarizeAdd99: solarizeAdd(99),
  'color1.81': color(1.81),
  'color0.19': color(0.19),
  'contrast1.81': contrast(1.81),
  'contrast0.19': contrast(0.19),
  'brightness1.81': brightness(1.81),
  'brightness0.19': brightness(0.19),
  'sharpness1.81': sharpness(1.81),
  'sharpness0.19': sharpness(0.19),
  'shearX0.27': shearX(0.27, fill),
  'shearY-0.27': shearY(-0.27, fill),
  'translateX0.405': translateX(0.405, fill),
  'translateY-0.405': translateY(-0.405, fill),
};

let reference: Reference;
let picture: ByteImage;
beforeAll(async () => {
  reference = await readReference('rand-augment/operations.safetensors');
  const [height, width, channels] = reference.shape('picture') as [number, number, number];
  picture = { pixels: Uint8Array.from(reference.numbers('picture')), width, height, channels };
});

describe('operations of RandAugment against Pillow', () => {
  it.each(Object.keys(operations))('%s', (name) => {
    const actual = operations[name]!(picture);
    const differences = reference.numbers(name).map((value, at) => Math.abs(value - actual[at]!));
    expect(differences.reduce((a, b) => Math.max(a, b), 0)).toBeLessThanOrEqual(1);
    // Arithmetic in 32 or 64 bits may cut a value to either side of a whole number, now and then.
    expect(differences.filter((difference) => difference > 0).length).toBeLessThan(differences.length / 500);
  });
});

function sampleOf(pixels: Uint8Array | Float32Array): Sample {
  const { width, height, channels } = picture;
  return { id: 'a', target: 3, pixels, width, height, channels, originalWidth: width, originalHeight: height };
}

describe('randAugment', () => {
  it('reads the strings of timm and refuses others', () => {
    expect(parseRandAugment('rand-m9-mstd0.5-inc1')).toEqual({
      magnitude: 9,
      magnitudeStd: 0.5,
      layers: 2,
      probability: 0.5,
    });
    expect(parseRandAugment('rand-m5-n3-p0.7-inc1')).toMatchObject({ magnitude: 5, layers: 3, probability: 0.7 });
    for (const text of ['auto-m9', 'rand-m9', 'rand-m11-inc1', 'rand-mx-inc1', 'rand-n0-inc1', 'rand-w0-inc1', '']) {
      expect(() => parseRandAugment(text), text).toThrow(RangeError);
    }
  });

  it('changes pictures by the seed alone, and leaves the input and the target as they are', () => {
    const transform = randAugment({ policy: 'rand-m9-mstd0.5-inc1', fill });
    const before = picture.pixels.slice();
    const seen = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const once = transform(sampleOf(picture.pixels), createRandom(seed));
      const again = transform(sampleOf(picture.pixels), createRandom(seed));
      expect(once).toEqual(again);
      expect(once.target).toBe(3);
      expect(once.pixels).toHaveLength(before.length);
      seen.add(Buffer.from(once.pixels.buffer, once.pixels.byteOffset, once.pixels.byteLength).toString('base64'));
    }
    expect(picture.pixels).toEqual(before);
    expect(seen.size).toBeGreaterThan(30);
  });

  it('works on a single channel, and refuses normalised pixels', () => {
    const grey = {
      ...sampleOf(Uint8Array.from({ length: 64 }, (_, index) => 3 * index)),
      width: 8,
      height: 8,
      channels: 1,
    };
    const transform = randAugment({ policy: 'rand-m9-n6-p1-inc1', fill: [128] });
    // A grey picture in colour is the same picture: each of its channels becomes what the single one does.
    const inColor = randAugment({ policy: 'rand-m9-n6-p1-inc1', fill: [128, 128, 128] });
    const colored = { ...grey, channels: 3, pixels: Uint8Array.from({ length: 192 }, (_, i) => 3 * Math.floor(i / 3)) };
    for (let seed = 0; seed < 40; seed++) {
      const single = transform(grey, createRandom(seed)).pixels;
      const tripled = Array.from(single).flatMap((value) => [value, value, value]);
      expect(Array.from(inColor(colored, createRandom(seed)).pixels), `seed ${seed}`).toEqual(tripled);
    }
    expect(() => transform(sampleOf(new Float32Array(3360)), createRandom(0))).toThrow(TypeError);
  });
});

describe('randomErasing', () => {
  it('replaces one box of 2 % to a third of the picture by noise, as often as it is asked to', () => {
    const plain = sampleOf(new Float32Array(3360).fill(5));
    const transform = randomErasing({ probability: 0.25 });
    let erased = 0;
    for (let seed = 0; seed < 400; seed++) {
      const { pixels } = transform(plain, createRandom(seed));
      const changed = pixels.filter((value) => value !== 5).length;
      if (changed === 0) continue;
      erased++;
      expect(changed % 3).toBe(0);
      expect(changed / 3360).toBeGreaterThan(0.01);
      expect(changed / 3360).toBeLessThan(0.37);
    }
    expect(erased / 400).toBeGreaterThan(0.18);
    expect(erased / 400).toBeLessThan(0.32);
    expect(plain.pixels.every((value) => value === 5)).toBe(true);
  });
});
