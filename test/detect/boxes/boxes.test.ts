import { describe, expect, it } from 'vitest';
import { createRandom } from '#core/base/random.js';
import {
  decodeBox,
  encodeBox,
  matchBoxes,
  nonMaximumSuppression,
  RPN_BOX_WEIGHTS,
  sampleBalanced,
} from '@mae-tasks/plugin-detect';
import { greatestFirst } from '../../../packages/plugin-detect/src/boxes/score-order.js';
import { expectClose } from '../../models/reference.js';

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
