import { describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '#core/base/random.js';
import { createAccuracyEvaluator, rankOf, softmax } from '../../packages/plugin-classify/src/accuracy.js';
import { drawBeta } from '../../packages/plugin-classify/src/augmentation/beta.js';
import { classWeightsOf } from '../../packages/plugin-classify/src/facts.js';
import { smoothedTargets, softTargetLoss, weighTargets } from '../../packages/plugin-classify/src/loss.js';
import { mixBatch } from '../../packages/plugin-classify/src/augmentation/mix.js';
import { confusionMatrixPng } from '#core/report/charts/confusion-matrix.js';

describe('the loss', () => {
  const logits = Float32Array.of(2, -1, 0.5, 0, 3, -2);
  const lossOf = (targets: Float32Array): number =>
    tf.tidy(() => softTargetLoss(tf.tensor2d(logits, [2, 3]), tf.tensor2d(targets, [2, 3])).dataSync()[0]!);
  const nll = (row: number, label: number): number => -Math.log(softmax(logits.subarray(3 * row, 3 * row + 3))[label]!);

  it('is the cross entropy of one-hot targets, and smoothing spreads a share over all classes', () => {
    expect(lossOf(smoothedTargets([0, 1], 3, 0))).toBeCloseTo((nll(0, 0) + nll(1, 1)) / 2, 5);
    const uniform = (row: number): number => (nll(row, 0) + nll(row, 1) + nll(row, 2)) / 3;
    const expected = (0.9 * nll(0, 0) + 0.1 * uniform(0) + 0.9 * nll(1, 1) + 0.1 * uniform(1)) / 2;
    expect(lossOf(smoothedTargets([0, 1], 3, 0.1))).toBeCloseTo(expected, 5);
  });

  it('weighs classes as torch does: by the mean weight of the batch', () => {
    const targets = smoothedTargets([0, 1], 3, 0);
    weighTargets(targets, [1, 3, 10]);
    expect(lossOf(targets)).toBeCloseTo((1 * nll(0, 0) + 3 * nll(1, 1)) / 4, 5);
  });

  it('is finite for logits far apart', () => {
    const value = tf.tidy(
      () => softTargetLoss(tf.tensor2d([1000, -1000, 0], [1, 3]), tf.tensor2d([0, 1, 0], [1, 3])).dataSync()[0]!,
    );
    expect(value).toBeCloseTo(2000, 1);
  });
});

describe('class weights', () => {
  const facts = { classNames: ['a', 'b', 'c'], counts: [6, 3, 0] };
  it('balance the counts, whose weighted mean stays 1', () => {
    const weights = classWeightsOf('balanced', facts)!;
    expect(weights).toEqual([9 / 18, 9 / 9, 0]);
  });
  it('must be one for each class', () => {
    expect(classWeightsOf(null, facts)).toBeUndefined();
    expect(classWeightsOf([1, 2, 3], facts)).toEqual([1, 2, 3]);
    expect(() => classWeightsOf([1, 2], facts)).toThrow(
      '`classify.classWeights` has 2 values for 3 classes — give them in this order: a, b, c',
    );
  });
});

describe('mixing', () => {
  const size = { height: 8, width: 6, channels: 2 };
  const make = (batchSize: number) => ({
    images: Float32Array.from({ length: batchSize * 96 }, (_, index) => Math.floor(index / 96)),
    targets: Float32Array.from({ length: batchSize * batchSize }, (_, index) =>
      Math.floor(index / batchSize) === index % batchSize ? 1 : 0,
    ),
  });
  const both = { mixup: 0.8, cutmix: 1, mixProbability: 1, switchProbability: 0.5 };
  const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

  it.each([
    ['mixup', { ...both, cutmix: 0 }],
    ['cutmix', { ...both, mixup: 0 }],
    ['either', both],
  ])('%s gives each target the share that its picture has', (_, options) => {
    for (let seed = 0; seed < 50; seed++) {
      const batch = make(5);
      mixBatch(batch, size, options, createRandom(seed));
      for (let index = 0; index < 5; index++) {
        const row = batch.targets.subarray(index * 5, index * 5 + 5);
        expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
        // Picture b holds the value b: its mean is the targets' mean class.
        const expected = row.reduce((sum, value, label) => sum + value * label, 0);
        expect(mean(batch.images.subarray(index * 96, (index + 1) * 96))).toBeCloseTo(expected, 4);
      }
      expect(row2(batch.images)).toBe(true);
    }
    /** The middle picture of an odd batch is mixed with itself. */
    function row2(images: Float32Array): boolean {
      return images.subarray(2 * 96, 3 * 96).every((value) => Math.abs(value - 2) < 1e-6);
    }
  });

  it('mixes as often as it is asked to, and not at all when it is off', () => {
    let mixed = 0;
    for (let seed = 0; seed < 400; seed++) {
      const batch = make(4);
      mixBatch(batch, size, { ...both, mixProbability: 0.3 }, createRandom(seed));
      if (batch.targets.some((value) => value !== 0 && value !== 1)) mixed++;
    }
    expect(mixed / 400).toBeGreaterThan(0.2);
    expect(mixed / 400).toBeLessThan(0.36);
    const batch = make(4);
    mixBatch(batch, size, { ...both, mixup: 0, cutmix: 0 }, createRandom(0));
    expect(batch).toEqual(make(4));
  });

  it.each([0.2, 0.8, 1, 4])('draws from the Beta distribution of %d', (alpha) => {
    const random = createRandom(7);
    const values = Float32Array.from({ length: 20_000 }, () => drawBeta(alpha, random));
    const variance = mean(values.map((value) => (value - 0.5) ** 2));
    expect(mean(values)).toBeCloseTo(0.5, 1);
    expect(variance * (4 * (2 * alpha + 1))).toBeGreaterThan(0.96);
    expect(variance * (4 * (2 * alpha + 1))).toBeLessThan(1.04);
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
  });
});

describe('accuracy', () => {
  const classNames = Array.from({ length: 7 }, (_, index) => `c${index}`);
  const sample = (target: number) => ({
    id: 'x',
    target,
    pixels: new Float32Array(0),
    width: 0,
    height: 0,
    channels: 1,
    originalWidth: 0,
    originalHeight: 0,
  });
  const rows = (...logits: number[][]) => ({
    logits: { shape: [logits.length, 7], dtype: 'float32', data: Float32Array.from(logits.flat()) } as const,
  });

  it('counts over the whole data set, padding left out', async () => {
    const evaluator = createAccuracyEvaluator(classNames);
    evaluator.update(rows([9, 0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7]), [sample(0), sample(1)]);
    evaluator.update(rows([1, 2, 3, 4, 5, 6, 7], [9, 9, 9, 9, 9, 9, 9]), [sample(2)]);
    const { valTop1, valTop5, valPerClass, valLoss } = evaluator.compute();
    expect(valTop1).toBeCloseTo(100 / 3, 9);
    expect(valTop5).toBeCloseTo(200 / 3, 9);
    expect(valPerClass).toBeCloseTo(100 / 3, 9);
    const shares = softmax(Float32Array.of(1, 2, 3, 4, 5, 6, 7));
    const first = softmax(Float32Array.of(9, 0, 0, 0, 0, 0, 0))[0]!;
    expect(valLoss).toBeCloseTo((-Math.log(first) - Math.log(shares[1]!) - Math.log(shares[2]!)) / 3, 6);
    const { tables, drawings } = await evaluator.details!();
    expect(tables[0]!.rows.slice(0, 4)).toEqual([
      ['c0', 1, 100, 100],
      ['c1', 1, 0, ''],
      ['c2', 1, 0, ''],
      ['c3', 0, '', ''],
    ]);
    expect(drawings.map(({ name }) => name)).toEqual(['confusion-matrix']);
  });

  it('never counts a model that gives NaN as right, and breaks ties by order', () => {
    expect(rankOf(Float32Array.of(NaN, NaN, NaN), 0)).toBe(2);
    expect(rankOf(Float32Array.of(0.5, NaN, 0.1), 0)).toBe(1);
    expect([0, 1, 2].map((label) => rankOf(Float32Array.of(1, 1, 1), label))).toEqual([0, 1, 2]);
  });

  it('draws a confusion matrix of any number of classes', async () => {
    for (const size of [2, 12, 120]) {
      const names = Array.from({ length: size }, (_, index) => `a class with a long name ${index}`);
      const png = await confusionMatrixPng(new Float64Array(size * size).fill(1), names);
      expect([...png.subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
    }
  });
});
