import { describe, expect, it } from 'vitest';
import type { Dataset } from '#core/contracts/dataset.js';
import { createSampler, type SamplerOptions } from '#core/data/loading/sampler.js';
import { splitDataset, subset, takeSample, takeSamplePerClass } from '#core/data/readers/split.js';
import { createRandom } from '#core/base/random.js';

function sampler(options: Partial<SamplerOptions> = {}): ReturnType<typeof createSampler> {
  return createSampler({ size: 103, batchSize: 10, random: createRandom(5), ...options });
}

function epochOf(options: Partial<SamplerOptions>, epoch: number): number[] {
  const { numBatches, batch } = sampler(options);
  return Array.from({ length: numBatches }, (_, index) => batch(epoch, index)).flat();
}

const ascending = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);

describe('createSampler', () => {
  it('names every index once in an epoch, but those of a last batch that is dropped', () => {
    expect(ascending(epochOf({ dropLast: false }, 0))).toEqual(Array.from({ length: 103 }, (_, index) => index));
    const dropped = epochOf({}, 0);
    expect(dropped).toHaveLength(100);
    expect(new Set(dropped).size).toBe(100);
  });

  it('has another order in every epoch and for every seed, and the same for the same', () => {
    const orders = [epochOf({}, 0), epochOf({}, 1), epochOf({ random: createRandom(6) }, 0)].map(String);
    expect(new Set(orders).size).toBe(3);
    expect(String(epochOf({}, 0))).toBe(orders[0]);
  });

  it('gives a batch whatever was asked before: training may start anywhere', () => {
    const fresh = sampler().batch(4, 7);
    const used = sampler();
    for (const [epoch, index] of [
      [0, 0],
      [4, 2],
      [9, 9],
    ] as const)
      used.batch(epoch, index);
    expect(used.batch(4, 7)).toEqual(fresh);
  });

  it('keeps the data set’s order without shuffling', () => {
    expect(epochOf({ shuffle: false, dropLast: false }, 3)).toEqual(Array.from({ length: 103 }, (_, index) => index));
  });

  it.each([1, 2, 3, 4, 7, 10])('shards over %i are together the batches of one', (world) => {
    for (const dropLast of [true, false]) {
      const whole = sampler({ dropLast });
      const shards = Array.from({ length: world }, (_, rank) => sampler({ dropLast, rank, world }));
      for (let index = 0; index < whole.numBatches; index++) {
        const parts = shards.map((shard) => shard.batch(2, index));
        expect(parts.flat()).toEqual(whole.batch(2, index));
        const sizes = parts.map((part) => part.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }
    }
  });

  it.each([[{ batchSize: 0 }], [{ batchSize: 1.5 }], [{ batchSize: 104 }], [{ rank: 2, world: 2 }], [{ world: 11 }]])(
    'refuses %j',
    (options) => {
      expect(() => sampler(options)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );

  it('refuses an empty data set', () => {
    expect(() => sampler({ size: 0 })).toThrow(expect.objectContaining({ code: 'DATA_EMPTY' }));
  });
});

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
