import { describe, expect, it } from 'vitest';
import { createSampler, type SamplerOptions } from '#core/data/loading/sampler.js';
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
