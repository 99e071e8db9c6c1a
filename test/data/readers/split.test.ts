import { describe, expect, it } from 'vitest';
import type { Dataset } from '#core/contracts/dataset.js';
import { splitDataset, subset, takeSample, takeSamplePerClass } from '#core/data/readers/split.js';
import { createRandom } from '#core/base/random.js';

const ascending = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);

function numbers(size: number): Dataset<number> {
  const image = { kind: 'file', path: '' } as const;
  return { name: 'numbers', size, item: (index) => ({ id: String(index), image, target: index }), warnings: [] };
}

function targets(dataset: Dataset<number>): number[] {
  return Array.from({ length: dataset.size }, (_, index) => dataset.item(index).target!);
}

describe('splitDataset', () => {
  it('divides without overlap or loss, each part in order, by the seed', () => {
    const { train, heldOut } = splitDataset(numbers(50), 0.1, createRandom(1));
    expect([train.size, heldOut.size]).toEqual([45, 5]);
    expect(ascending([...targets(train), ...targets(heldOut)])).toEqual(targets(numbers(50)));
    expect(targets(train)).toEqual(ascending(targets(train)));
    expect(targets(splitDataset(numbers(50), 0.1, createRandom(1)).heldOut)).toEqual(targets(heldOut));
    expect(targets(splitDataset(numbers(50), 0.1, createRandom(2)).heldOut)).not.toEqual(targets(heldOut));
  });

  it('holds out at least one item, and refuses to leave none', () => {
    expect(splitDataset(numbers(3), 0.01, createRandom(0)).heldOut.size).toBe(1);
    for (const fraction of [0, 1, -0.1, Number.NaN, 0.99]) {
      expect(() => splitDataset(numbers(3), fraction, createRandom(0))).toThrow(/cannot be held out/u);
    }
    expect(() => splitDataset(numbers(1), 0.5, createRandom(0))).toThrow(/cannot be held out/u);
  });
});

describe('subset and takeSample', () => {
  it('keep names and order', () => {
    expect(targets(subset(numbers(10), [7, 2]))).toEqual([7, 2]);
    const some = takeSample(numbers(100), 10, createRandom(0));
    expect(targets(some)).toEqual(ascending(new Set(targets(some))));
    expect(some.size).toBe(10);
    expect(takeSample(numbers(4), 10, createRandom(0)).size).toBe(4);
  });
});

describe('takeSamplePerClass', () => {
  const modulo = (size: number, classOf: (index: number) => unknown): Dataset => {
    const base = numbers(size);
    return { ...base, item: (index) => ({ ...base.item(index), target: classOf(index) }) };
  };
  const ofThree = (size: number): Dataset => modulo(size, (index) => index % 3);
  const ids = (dataset: Dataset): number[] =>
    Array.from({ length: dataset.size }, (_, index) => Number(dataset.item(index).id));

  it('takes as many of each class, in order, and others for another seed', () => {
    const chosen = (seed: number): number[] => ids(takeSamplePerClass(ofThree(60), 4, createRandom(seed)));
    expect(chosen(0)).toHaveLength(12);
    for (const label of [0, 1, 2]) expect(chosen(0).filter((id) => id % 3 === label)).toHaveLength(4);
    expect(chosen(0)).toEqual(ascending(new Set(chosen(0))));
    expect(chosen(1)).not.toEqual(chosen(0));
  });

  it('takes all of a class that has fewer', () => {
    expect(takeSamplePerClass(ofThree(7), 100, createRandom(0)).size).toBe(7);
  });

  it('refuses pictures without a class', () => {
    const unlabelled = modulo(3, () => undefined);
    expect(() => takeSamplePerClass(unlabelled, 1, createRandom(0))).toThrow(/this one has none.*data\.limit/u);
  });
});
