import type { FinishedRun } from '../runner.js';

export const ARMS = ['fine-tuned', 'from scratch', 'linear probe', 'linear probe of random weights'] as const;
export type Arm = (typeof ARMS)[number];

/** Accuracy on the 10,000 test pictures, in percent. */
export interface Measured {
  readonly value: number;
  readonly run: FinishedRun;
}

export interface Outcome {
  readonly pretraining: FinishedRun;
  /** Of every arm at every number of labels: one a seed. */
  readonly labels: ReadonlyArray<{ readonly labels: number; readonly arm: Arm; readonly results: readonly Measured[] }>;
  /** At 1,000 labels, with one seed. */
  readonly blocks: ReadonlyArray<{ readonly blocks: number; readonly result: Measured }>;
}
