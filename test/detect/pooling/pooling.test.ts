import { describe, expect, it } from 'vitest';
import { createRandom } from '#core/base/random.js';
import { type PoolOptions, type Regions, roiAlign, roiAlignGradient } from '@mae-tasks/plugin-detect';
import { programSize } from '../../../packages/plugin-detect/src/pooling/pooled-regions.js';
import { plainWorkspace, simdWorkspace } from '../../../packages/plugin-detect/src/pooling/weighted-sum.js';
import { expectClose } from '../../models/reference.js';

const random = createRandom(5);

describe('pooling regions', () => {
  const [height, width, channels] = [13, 17, 3];
  const stream = random.fork('features');
  const data = Float32Array.from({ length: 2 * height * width * channels }, () => stream.normal());
  const levels = [{ data, shape: [2, height, width, channels], stride: 4 }];
  const boxes = Float32Array.from([
    ...[3.2, 5.1, 40.7, 33.3],
    ...[0, 0, 68, 52],
    ...[-20, 30, 90, 90],
    ...[60, 45, 61, 46],
    ...[10, 10, 10, 10],
  ]);
  const regions: Regions = { boxes, pictures: Int32Array.of(0, 0, 1, 1, 1), levels: new Int32Array(5) };

  /** Sample by sample, as the definition has it. */
  function plain({ poolSize, samplingRatio }: PoolOptions): number[] {
    const at = (picture: number, y: number, x: number, c: number): number =>
      data[((picture * height + y) * width + x) * channels + c]!;
    const bilinear = (picture: number, y: number, x: number, c: number): number => {
      if (y < -1 || y > height || x < -1 || x > width) return 0;
      const [cy, cx] = [Math.min(Math.max(y, 0), height - 1), Math.min(Math.max(x, 0), width - 1)];
      const [y0, x0] = [Math.floor(cy), Math.floor(cx)];
      const [y1, x1] = [Math.min(y0 + 1, height - 1), Math.min(x0 + 1, width - 1)];
      const [v, u] = [cy - y0, cx - x0];
      const upper = (1 - u) * at(picture, y0, x0, c) + u * at(picture, y0, x1, c);
      return (1 - v) * upper + v * ((1 - u) * at(picture, y1, x0, c) + u * at(picture, y1, x1, c));
    };
    const values: number[] = [];
    for (let r = 0; r < regions.pictures.length; r++) {
      const [x0, y0, x1, y1] = [0, 1, 2, 3].map((side) => boxes[4 * r + side]! / 4 - 0.5) as [
        number,
        number,
        number,
        number,
      ];
      const [cellHeight, cellWidth] = [(y1 - y0) / poolSize, (x1 - x0) / poolSize];
      const [rows, columns] = [cellHeight, cellWidth].map((cell) =>
        samplingRatio > 0 ? samplingRatio : Math.ceil(cell),
      ) as [number, number];
      for (let cell = 0; cell < poolSize ** 2; cell++) {
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (let i = 0; i < rows * columns; i++) {
            const y = y0 + (Math.floor(cell / poolSize) + (Math.floor(i / columns) + 0.5) / rows) * cellHeight;
            const x = x0 + ((cell % poolSize) + ((i % columns) + 0.5) / columns) * cellWidth;
            sum += bilinear(regions.pictures[r]!, y, x, c);
          }
          values.push(sum / Math.max(rows * columns, 1));
        }
      }
    }
    return values;
  }

  it.each([0, 1, 2])('takes the mean of bilinear samples (sampling ratio %i)', (samplingRatio) => {
    const pooled = new Float32Array(5 * 25 * channels);
    roiAlign(levels, regions, { poolSize: 5, samplingRatio }, pooled);
    expectClose(pooled, plain({ poolSize: 5, samplingRatio }), 1e-5, 'pooled');
  });

  it.each([4, 16, 20, 84])('gives the same bits by WebAssembly and in TypeScript, with %i channels', (width) => {
    const values = Float32Array.from({ length: 2 * height * 9 * width }, () => stream.normal());
    const wide = [{ data: values, shape: [2, height, 9, width], stride: 4 }];
    const options = { poolSize: 3, samplingRatio: 0 };
    const [simd, plain] = [simdWorkspace()!, plainWorkspace()].map((workspace) => {
      const pooled = new Float32Array(5 * 9 * width);
      roiAlign(wide, regions, options, pooled, workspace);
      const gradient = [{ ...wide[0]!, data: Float32Array.from(values) }];
      roiAlignGradient(gradient, regions, options, pooled, 0.3, workspace);
      return { pooled, gradient: gradient[0]!.data };
    });
    expect(plain!.pooled.some((value) => value !== 0)).toBe(true);
    expect(simd).toEqual(plain);
  });

  it('has the transpose for a gradient', () => {
    const options = { poolSize: 5, samplingRatio: 0 };
    const pooled = new Float32Array(5 * 25 * channels);
    roiAlign(levels, regions, options, pooled);
    const dPooled = Float32Array.from(pooled, () => stream.normal());
    const gradient = [{ ...levels[0]!, data: new Float32Array(data.length) }];
    roiAlignGradient(gradient, regions, options, dPooled);
    const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    // ⟨pool(x), d⟩ = ⟨x, poolᵀ(d)⟩.
    expect(dot(gradient[0]!.data, data)).toBeCloseTo(dot(pooled, dPooled), 3);
  });
});

describe('programs of pooled regions', () => {
  it('round the number of regions up by a quarter at most', () => {
    for (const count of [1, 3, 7, 20, 100, 500, 511]) {
      const size = programSize(count, 512);
      expect(size).toBeGreaterThanOrEqual(count);
      expect(size).toBeLessThanOrEqual(Math.max(1.25 * count, count + 1));
    }
    expect(programSize(512, 512)).toBe(512);
    expect(programSize(513, 512)).toBeGreaterThan(512);
    expect(new Set(Array.from({ length: 512 }, (_, i) => programSize(i + 1, 512))).size).toBeLessThan(40);
  });
});
