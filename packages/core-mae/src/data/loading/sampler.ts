import type { Random } from '../../contracts/random.js';
import { MaeError } from '../../base/errors.js';

export interface SamplerOptions {
  /** Number of items in the data set. */
  readonly size: number;
  /** Items in a batch, over all shards together. */
  readonly batchSize: number;
  readonly random: Random;
  /** Whether each epoch has an order of its own; otherwise the data set's. Default true. */
  readonly shuffle?: boolean;
  /** Whether a last batch that is not full is left out. Default true. */
  readonly dropLast?: boolean;
  /** This shard's number, 0 ≤ rank < world. Default 0. */
  readonly rank?: number;
  /** Number of shards that every batch is divided among. Default 1. */
  readonly world?: number;
}

export interface Sampler {
  /** Batches in an epoch, the same for every epoch and shard. */
  readonly numBatches: number;
  /**
   * This shard's indices in one batch: a pure function of the seed, the epoch and the batch's number, so training may
   * start anywhere. With one shard, an epoch names every index once (but those that `dropLast` leaves out).
   */
  readonly batch: (epoch: number, index: number) => readonly number[];
}

/**
 * The order in which an epoch goes through a data set. The shards' parts of a batch, one after the other, are the batch
 * of a single shard.
 *
 * @throws MaeError `CONFIG_INVALID` for sizes that make no sense
 */
export function createSampler(options: SamplerOptions): Sampler {
  const { size, batchSize, random, shuffle = true, dropLast = true, rank = 0, world = 1 } = options;
  checkSizes(size, batchSize, rank, world);
  const numBatches = dropLast ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
  if (numBatches === 0) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`batchSize\` (=${batchSize}) is more than the ${size} items there are`,
      fix: `set it to ${size} or less, or keep the last, smaller batch`,
    });
  }
  let latest: { readonly epoch: number; readonly order: Int32Array } | undefined;
  const orderOf = (epoch: number): Int32Array => {
    if (latest?.epoch !== epoch) latest = { epoch, order: random.fork('order', epoch).permutation(size) };
    return latest.order;
  };
  return {
    numBatches,
    batch(epoch, index) {
      const start = index * batchSize;
      const length = Math.min(batchSize, size - start);
      const first = start + Math.floor((length * rank) / world);
      const last = start + Math.floor((length * (rank + 1)) / world);
      if (shuffle) return Array.from(orderOf(epoch).subarray(first, last));
      return Array.from({ length: last - first }, (_, position) => first + position);
    },
  };
}

function checkSizes(size: number, batchSize: number, rank: number, world: number): void {
  const valid =
    Number.isInteger(batchSize) && batchSize >= 1 && Number.isInteger(world) && world >= 1 && rank >= 0 && rank < world;
  if (!valid) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`batchSize\` (=${batchSize}), \`rank\` (=${rank}) of \`world\` (=${world}) make no batches`,
      fix: 'use whole numbers, `batchSize` ≥ 1 and 0 ≤ `rank` < `world`',
    });
  }
  if (world > batchSize) {
    throw new MaeError('CONFIG_INVALID', {
      what: `a batch of \`batchSize\` (=${batchSize}) cannot be divided among ${world} shards`,
      fix: `set \`batchSize\` to ${world} or more`,
    });
  }
  if (size < 1) throw new MaeError('DATA_EMPTY', { what: 'the data set has no items' });
}
