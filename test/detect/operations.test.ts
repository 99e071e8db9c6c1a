import { describe, expect, it } from 'vitest';
import { createRandom } from '#core/base/random.js';
import {
  decodeBox,
  encodeBox,
  matchBoxes,
  nonMaximumSuppression,
  pasteMask,
  type PoolOptions,
  type Regions,
  roiAlign,
  roiAlignGradient,
  RPN_BOX_WEIGHTS,
  sampleBalanced,
  spreadGlobalBlocks,
} from '@mae-tasks/plugin-detect';
import { programSize } from '../../packages/plugin-detect/src/pooling/pooled-regions.js';
import { plainWorkspace, simdWorkspace } from '../../packages/plugin-detect/src/pooling/weighted-sum.js';
import { greatestFirst } from '../../packages/plugin-detect/src/boxes/score-order.js';
import { regionToBitmap } from '../data/targets/region-bitmap.js';
import { expectClose } from '../models/reference.js';

const random = createRandom(5);

function randomBoxes(count: number, name: string, side = 100, span = 400): Float32Array {
  const stream = random.fork('boxes', name);
  return Float32Array.from(
    Array.from({ length: count }, () => {
      const [x, y] = [span * stream.uniform(), span * stream.uniform()];
      return [x, y, x + 1 + side * stream.uniform(), y + 1 + side * stream.uniform()];
    }).flat(),
  );
}

function overlap(boxes: Float32Array, a: number, b: number): number {
  const at = (i: number, side: number): number => boxes[4 * i + side]!;
  const area = (i: number): number => (at(i, 2) - at(i, 0)) * (at(i, 3) - at(i, 1));
  const width = Math.min(at(a, 2), at(b, 2)) - Math.max(at(a, 0), at(b, 0));
  const height = Math.min(at(a, 3), at(b, 3)) - Math.max(at(a, 1), at(b, 1));
  const shared = Math.max(0, width) * Math.max(0, height);
  return shared / (area(a) + area(b) - shared);
}

describe('the order of scores', () => {
  it.each([1, 10, 700, 5000])('puts the greatest %i first, equals by index, NaN nowhere', (count) => {
    const stream = random.fork('scores');
    const scores = Float32Array.from({ length: 5000 }, () => Math.round(stream.normal() * 200) / 50);
    scores.set([NaN, Infinity, -Infinity, -0, 0], 100);
    const expected = [...scores.keys()]
      .filter((i) => !Number.isNaN(scores[i]))
      .sort((a, b) => scores[b]! - scores[a]! || a - b)
      .slice(0, count);
    expect([...greatestFirst(scores, count)]).toEqual(expected);
  });

  it('takes nothing from nothing', () => {
    expect(greatestFirst(new Float32Array(0), 3)).toHaveLength(0);
  });
});

describe('non-maximum suppression', () => {
  it.each([0.3, 0.5, 0.7])('keeps what the plain algorithm keeps (threshold %d)', (threshold) => {
    const boxes = randomBoxes(800, 'nms');
    const stream = random.fork('nms');
    const scores = Float32Array.from({ length: 800 }, () => stream.uniform());
    const groups = Int32Array.from({ length: 800 }, () => stream.integer(3));
    const expected: number[] = [];
    for (const i of [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!)) {
      if (!expected.some((k) => groups[k] === groups[i] && overlap(boxes, k, i) > threshold)) expected.push(i);
    }
    expect([...nonMaximumSuppression({ boxes, scores, groups }, threshold)]).toEqual(expected);
    expect([...nonMaximumSuppression({ boxes, scores, groups }, threshold, 7)]).toEqual(expected.slice(0, 7));
  });

  it('keeps one of equal boxes, and all boxes without area', () => {
    const same = Float32Array.from([0, 0, 9, 9, 0, 0, 9, 9]);
    expect([...nonMaximumSuppression({ boxes: same, scores: Float32Array.of(1, 1) }, 0.5)]).toEqual([0]);
    const flat = Float32Array.from(Array.from({ length: 50 }, () => [3, 3, 3, 3]).flat());
    expect(nonMaximumSuppression({ boxes: flat, scores: new Float32Array(50) }, 0.5)).toHaveLength(50);
  });
});

describe('matching and sampling', () => {
  const options = { low: 0.3, high: 0.7, allowLowQuality: true };

  it('labels by overlap, and gives every true box its nearest candidates, equals too', () => {
    const truth = Float32Array.of(0, 0, 10, 10, 100, 100, 140, 140);
    const candidates = Float32Array.of(
      0,
      0,
      10,
      10,
      0,
      0,
      10,
      20,
      90,
      90,
      110,
      110,
      130,
      130,
      150,
      150,
      50,
      50,
      60,
      60,
    );
    const { indices, labels } = matchBoxes(candidates, truth, options);
    expect([...labels]).toEqual([1, -1, 1, 1, 0]);
    expect([...indices.subarray(0, 4)]).toEqual([0, 0, 1, 1]);
    expect([...matchBoxes(candidates, truth, { ...options, allowLowQuality: false }).labels]).toEqual([1, -1, 0, 0, 0]);
  });

  it('takes everything for background without true boxes, and for a true box without area', () => {
    const candidates = randomBoxes(20, 'match');
    expect(matchBoxes(candidates, new Float32Array(0), options).labels.every((label) => label === 0)).toBe(true);
    const flat = Float32Array.of(50, 50, 50, 50);
    expect(matchBoxes(candidates, flat, options).labels.every((label) => label === 0)).toBe(true);
  });

  it('draws without repetition, balanced, the same for the same stream', () => {
    const labels = Int8Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 1 : i % 10 === 1 ? -1 : 0));
    const counts = { numSamples: 64, positiveFraction: 0.25 };
    const { positives, negatives } = sampleBalanced(labels, counts, random.fork('sample'));
    expect([positives.length, negatives.length]).toEqual([16, 48]);
    expect(new Set(positives).size).toBe(16);
    expect(new Set(negatives).size).toBe(48);
    expect(positives.every((i) => labels[i] === 1) && negatives.every((i) => labels[i] === 0)).toBe(true);
    expect(sampleBalanced(labels, counts, random.fork('sample'))).toEqual({ positives, negatives });
    expect(sampleBalanced(labels, counts, random.fork('other')).negatives).not.toEqual(negatives);
    const few = sampleBalanced([1, 0, 0], counts, random);
    expect(few).toEqual({ positives: Int32Array.of(0), negatives: Int32Array.of(1, 2) });
  });
});

describe('box deltas', () => {
  it('decode to what they were encoded from', () => {
    const [from, to] = [randomBoxes(50, 'from'), randomBoxes(50, 'to')];
    const decoded = new Float32Array(200);
    for (let at = 0; at < 200; at += 4) {
      const deltas = { data: new Float32Array(4), at: 0 };
      encodeBox({ data: from, at }, { data: to, at }, RPN_BOX_WEIGHTS, deltas);
      decodeBox({ data: from, at }, deltas, RPN_BOX_WEIGHTS, { data: decoded, at });
    }
    expectClose(decoded, to, 1e-6, 'boxes');
  });

  it('are finite for boxes without area, and limit growth', () => {
    const boxes = Float32Array.of(5, 5, 5, 5, 0, 0, 100, 100);
    const deltas = new Float32Array(4);
    encodeBox({ data: boxes, at: 0 }, { data: boxes, at: 4 }, RPN_BOX_WEIGHTS, { data: deltas, at: 0 });
    expect(deltas.every(Number.isFinite)).toBe(true);
    encodeBox({ data: boxes, at: 4 }, { data: boxes, at: 0 }, RPN_BOX_WEIGHTS, { data: deltas, at: 0 });
    expect(deltas.every(Number.isFinite)).toBe(true);
    const out = new Float32Array(4);
    decodeBox({ data: boxes, at: 4 }, { data: Float32Array.of(0, 0, 50, 50), at: 0 }, RPN_BOX_WEIGHTS, {
      data: out,
      at: 0,
    });
    expect(out[2]! - out[0]!).toBeCloseTo((100 * 1000) / 16, 1);
  });
});

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

describe('pasting masks', () => {
  const full = new Float32Array(28 * 28).fill(1);

  it('covers exactly the box, where the mask is full', () => {
    const picture = { width: 30, height: 20 };
    const bitmap = regionToBitmap(pasteMask(full, Float32Array.of(4, 6, 19, 11), 0, picture), picture);
    bitmap.forEach((value, i) => {
      const [x, y] = [i % 30, Math.floor(i / 30)];
      expect(value, `${x}, ${y}`).toBe(Number(x >= 4 && x < 19 && y >= 6 && y < 11));
    });
  });

  it('gives nothing outside the picture, nor for a box without area', () => {
    const picture = { width: 30, height: 20 };
    for (const box of [
      Float32Array.of(40, 40, 60, 60),
      Float32Array.of(-30, -30, -10, -10),
      Float32Array.of(5, 5, 5, 5),
    ]) {
      expect(pasteMask(full, box, 0, picture).data.some((value) => value === 1)).toBe(false);
    }
    expect(pasteMask(full, Float32Array.of(-10, -10, 5, 5), 0, picture)).toMatchObject({ left: 0, top: 0 });
  });
});

describe('sizes', () => {
  it('spreads the global blocks of ViTDet-B, L and H as published', () => {
    expect(spreadGlobalBlocks(12)).toEqual([2, 5, 8, 11]);
    expect(spreadGlobalBlocks(24)).toEqual([5, 11, 17, 23]);
    expect(spreadGlobalBlocks(32)).toEqual([7, 15, 23, 31]);
    expect(spreadGlobalBlocks(3)).toContain(2);
  });

  it('rounds the number of regions up by a quarter at most', () => {
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
