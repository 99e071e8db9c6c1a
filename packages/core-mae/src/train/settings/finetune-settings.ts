import { z } from 'zod';
import { TUNING_MODES } from '../../contracts/task.js';
import { decay, optimizerSettings } from './optimizer-settings.js';

/** How parameters are changed in fine-tuning; defaults are those of the official main_finetune.py. */
const finetuneOptimizerSettings = z.strictObject({
  ...optimizerSettings.shape,
  /** `lars` is for linear probing with very large batches (official main_linprobe.py). */
  name: z.enum(['adamw', 'lars']).default('adamw'),
  blr: z.number().positive().default(1e-3),
  minLr: z.number().min(0).default(1e-6),
  betas: z.tuple([decay, decay]).default([0.9, 0.999]),
  /** Factor on the learning rate for each layer further from the head. */
  layerDecay: z.number().gt(0).max(1).default(0.75),
  /** Of `lars`. */
  momentum: z.number().min(0).lt(1).default(0.9),
});

export type FinetuneOptimizerSettings = z.output<typeof finetuneOptimizerSettings>;

/** What fine-tuning does for every task, apart from its data and encoder. */
export const finetuneSettings = z.strictObject({
  /** What is changed: everything, the last blocks and the head, or the head alone. */
  mode: z.enum(TUNING_MODES).default('full'),
  /** With `partial`: how many of the last blocks; a half block is its MLP (He et al. 2022, figure 9). */
  blocks: z.number().min(0).multipleOf(0.5).default(1),
  /** Drop rate of the deepest block while training. */
  dropPath: z.number().min(0).lt(1).default(0.1),
  epochs: z.int().positive().default(50),
  /** Pictures in one forward pass; a smaller data set gives a smaller batch. */
  batchSize: z.int().positive().default(64),
  /** Batches whose gradients are summed before the parameters change. */
  accumIter: z.int().positive().default(1),
  optimizer: finetuneOptimizerSettings.prefault({}),
  /** Epochs without a better value on the held-out data after which the run ends. Default: it never ends early. */
  patience: z.int().positive().nullable().default(null),
  seed: z.int().min(0).default(0),
});
