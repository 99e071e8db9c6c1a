/*
 * train/settings/: every setting of a training with its default, as schemas: those of all runs (this file), of data,
 * models and optimizers, and the two whole configurations; which of them a resumed run may change.
 * Not here: a task's own settings: its plugin declares them, and `finetuneConfig` takes them in.
 * Called by: commands and scripts, once, to check what they are given; rooms of `train/` for the types.
 */

import { z } from 'zod';
import { DEVICES } from '../../engine/select.js';

/** When a run saves. */
export const savingSettings = z.strictObject({
  /** Epochs between checkpoints at an epoch's end; the last is always saved. Default: every epoch. */
  everyEpochs: z.int().positive().default(1),
  /** Steps between checkpoints within an epoch. Default: by time alone. */
  everySteps: z.int().positive().nullable().default(null),
  everyMinutes: z.number().positive().default(10),
});

/** What a run in a folder does besides training; the same for every command that trains. */
export const runSettings = z.strictObject({
  /** Plugins besides those that the project depends on: names of packages, or paths. */
  plugins: z.array(z.string()).default([]),
  device: z.enum(DEVICES).default('auto'),
  /** Threads of the compiled engine. Default: the processors that this process may use. */
  threads: z.int().positive().nullable().default(null),
  /**
   * Into how many equal parts a batch is split, each run by a thread (or a share of the threads) of its own; results are
   * the same up to the order of sums. Pays for small models. `auto` measures a few steps at the start of a run, which
   * then keeps the number.
   */
  replicas: z.union([z.literal('auto'), z.int().positive()]).default(1),
  /**
   * Minutes that the whole run may take: some steps are measured at its start, and epochs, schedule and the epochs between
   * evaluations, drawings and checkpoints are chosen so that it ends in time. A run that is resumed keeps what was chosen.
   * Default: as long as `epochs` take.
   */
  minutes: z.number().positive().nullable().default(null),
  /** Optimizer steps of an epoch, where it is to have fewer than the data gives. Default: all of them. */
  stepsPerEpoch: z.int().positive().nullable().default(null),
  checkpoint: savingSettings.prefault({}),
  evaluation: z
    .strictObject({
      /** Epochs between evaluations on the held-out data; the last epoch is always evaluated. */
      everyEpochs: z.int().positive().default(1),
    })
    .prefault({}),
  samples: z
    .strictObject({
      /** Pictures on a sheet. */
      count: z.int().min(0).default(8),
      /** Epochs between sheets. Default: a tenth of the epochs. */
      everyEpochs: z.int().positive().nullable().default(null),
    })
    .prefault({}),
  log: z
    .strictObject({
      /** Steps between lines of metrics.jsonl. */
      everySteps: z.int().positive().default(1),
      tensorboard: z.boolean().default(true),
    })
    .prefault({}),
  /** Settings of trackers that plugins bring, by the tracker's name. */
  trackers: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});

export type RunSettings = z.output<typeof runSettings>;
