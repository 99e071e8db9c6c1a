import { z } from 'zod';
import { type CosineSchedule, scaleLearningRate } from '../optim/schedule.js';

/**
 * How parameters are changed. Defaults are those of pretraining (He et al. 2022, Table 8; official main_pretrain.py);
 * names are the official options'.
 */
export const optimizerSettings = z.strictObject({
  /** Base learning rate: the rate is `blr · effective batch / 256`. */
  blr: z.number().positive().default(1.5e-4),
  /** The learning rate itself; overrides `blr`. */
  lr: z.number().positive().nullable().default(null),
  minLr: z.number().min(0).default(0),
  /** Epochs of linear warm-up. Default: a tenth of the epochs, at most 40 (the paper's 40 of 400). */
  warmupEpochs: z.number().min(0).nullable().default(null),
  weightDecay: z.number().min(0).default(0.05),
  betas: z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]).default([0.9, 0.95]),
  eps: z.number().positive().default(1e-8),
  /** Gradients are scaled down to this norm. Default: not clipped. */
  clipGrad: z.number().positive().nullable().default(null),
  /** Decay of a moving average of the weights, which is then what is evaluated and exported. Default: none. */
  ema: z.number().gt(0).lt(1).nullable().default(null),
});

export type OptimizerSettings = z.output<typeof optimizerSettings>;

/** The learning-rate schedule of these settings. */
export function scheduleOf(
  { blr, lr, minLr, warmupEpochs }: OptimizerSettings,
  epochs: number,
  effectiveBatchSize: number,
): CosineSchedule {
  return {
    lr: lr ?? scaleLearningRate(blr, effectiveBatchSize),
    minLr,
    warmupEpochs: warmupEpochs ?? Math.min(40, epochs / 10),
    epochs,
  };
}
