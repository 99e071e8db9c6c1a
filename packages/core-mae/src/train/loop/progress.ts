import { z } from 'zod';

/** Where a run stands: all that decides which pictures and random numbers come next. Part of every checkpoint. */
export interface Progress {
  /** Epochs completed. */
  readonly epoch: number;
  /** Batches of the current epoch that have been used; 0 at its start. */
  readonly batch: number;
  /** Optimizer steps done. */
  readonly step: number;
  /** Sum and number of the current epoch's batch losses, for its mean. */
  readonly lossSum: number;
  readonly lossCount: number;
}

export const startOfTraining: Progress = { epoch: 0, batch: 0, step: 0, lossSum: 0, lossCount: 0 };

export const progressSchema = z.strictObject({
  epoch: z.int().min(0),
  batch: z.int().min(0),
  step: z.int().min(0),
  lossSum: z.number(),
  lossCount: z.int().min(0),
});

/**
 * Batches whose gradients are summed into the step that begins with batch `batch`: `accumIter`, or what is left of the
 * epoch. (The official loop drops the left-over batches.)
 */
export function accumulationLength(batch: number, batchesPerEpoch: number, accumIter: number): number {
  return Math.min(accumIter, batchesPerEpoch - batch);
}
