import { describe, expect, it } from 'vitest';
import type { Box } from '#core/contracts/transform.js';
import { mirror } from '#core/data/images/crop.js';
import type { Image } from '#core/data/images/picture.js';
import { mirrored, resampleCoefficients } from '#core/data/images/resampling/resize-coefficients.js';
import { resamplePlain } from '#core/data/images/resampling/resize-plain.js';
import { createSimdResampler } from '#core/data/images/resampling/resize-simd.js';
import { resize } from '#core/data/images/resampling/resize.js';
import { createRandom } from '#core/base/random.js';

function noise(width: number, height: number, channels: number, seed = 0): Image {
  const random = createRandom(seed);
  // Extremes often, so that overshoot is clipped on both sides.
  const data = Uint8Array.from({ length: width * height * channels }, () =>
    Math.max(0, Math.min(255, random.integer(512) - 128)),
  );
  return { data, width, height, channels };
}

describe('resize', () => {
  it('gives the same bits with SIMD and without, for any size, box and number of channels', () => {
    const simd = createSimdResampler();
    expect(simd, 'this machine has SIMD').toBeTypeOf('function');
    const random = createRandom(7);
    for (let round = 0; round < 150; round++) {
      const channels = 1 + random.integer(4);
      const image = noise(1 + random.integer(90), 1 + random.integer(90), channels, round);
      const left = random.integer(image.width);
      const top = random.integer(image.height);
      const columns = 1 + random.integer(image.width - left);
      const rows = 1 + random.integer(image.height - top);
      const filter = round % 2 === 0 ? 'bicubic' : 'bilinear';
      const start = random.uniform() * Math.min(0.9, columns / 2);
      const across = resampleCoefficients(columns, start, columns, 1 + random.integer(120), filter);
      const horizontal = round % 3 === 0 ? mirrored(across) : across;
      const vertical = resampleCoefficients(rows, 0, rows, 1 + random.integer(120), filter);
      const plain = resamplePlain(image, left, top, horizontal, vertical);
      expect(Buffer.compare(simd!(image, left, top, horizontal, vertical), plain)).toBe(0);
    }
  });

  it('reads large pictures strip by strip', () => {
    const image = noise(900, 700, 3);
    const across = resampleCoefficients(900, 0, 900, 64, 'bicubic');
    const down = resampleCoefficients(700, 0, 700, 64, 'bicubic');
    const plain = resamplePlain(image, 0, 0, across, down);
    expect(Buffer.compare(createSimdResampler()!(image, 0, 0, across, down), plain)).toBe(0);
  });

  it('keeps a constant picture constant and never leaves 0–255', () => {
    const grey: Image = { data: new Uint8Array(50 * 40 * 3).fill(200), width: 50, height: 40, channels: 3 };
    for (const size of [1, 7, 40, 133]) {
      const { data } = resize(grey, { width: size, height: size });
      expect(data.every((value) => value === 200)).toBe(true);
    }
  });

  it('resizes a 1 × 1 picture', () => {
    const { data } = resize(
      { data: Uint8Array.of(1, 2, 3), width: 1, height: 1, channels: 3 },
      { width: 5, height: 4 },
    );
    expect(data).toEqual(Uint8Array.from({ length: 60 }, (_, at) => 1 + (at % 3)));
  });

  it('equals a crop followed by a resize, for a box of whole numbers', () => {
    const image = noise(60, 50, 3);
    const box: Box = [11, 7, 48, 41];
    const cut = resize(image, { box, width: 37, height: 34 });
    expect(resize(image, { box, width: 20, height: 31 })).toEqual(resize(cut, { width: 20, height: 31 }));
  });

  it('gives back the same pixels where nothing changes', () => {
    const image = noise(9, 8, 3);
    expect(resize(image, { width: 9, height: 8 }).data).toBe(image.data);
  });

  it('mirrors as a flip afterwards would, resampled or not', () => {
    const image = noise(31, 20, 3);
    for (const width of [31, 17]) {
      expect(resize(image, { width, height: 20, flip: true })).toEqual(mirror(resize(image, { width, height: 20 })));
    }
  });

  it.each([[[0, 0, 0, 5]], [[0, 0, 11, 5]], [[-1, 0, 5, 5]], [[0, 4, 5, 4]], [[Number.NaN, 0, 5, 5]]] as const)(
    'refuses the box %j',
    (box) => {
      expect(() => resize(noise(10, 10, 3), { box, width: 4, height: 4 })).toThrow(/box .* is empty or leaves/u);
    },
  );

  it.each([0, -1, 2.5])('refuses the width %d', (width) => {
    expect(() => resize(noise(10, 10, 3), { width, height: 4 })).toThrow(/cannot be resized/u);
  });
});
