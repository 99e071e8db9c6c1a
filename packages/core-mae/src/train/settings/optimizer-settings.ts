import { z } from 'zod';
import { type LearningRateSchedule, scaleLearningRate } from '../../optim/schedule.js';

/** At 1 a moving average would never move. */
export const decay = z.number().min(0).lt(1);

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
  /** The rate's course after the warm-up: half a cosine, a power of what is left, or steps down. */
  schedule: z.enum(['cosine', 'poly', 'step']).default('cosine'),
  /** Of `poly`; 1 is a straight line. */
  power: z.number().positive().default(1),
  /** Of `step`: shares of the training after which the rate falls. */
  milestones: z.array(z.number().gt(0).lt(1)).default([0.9, 0.95]),
  /** Of `step`: the factor at each milestone. */
  gamma: z.number().gt(0).max(1).default(0.1),
  /** Epochs of linear warm-up. Default: a tenth of the epochs, at most 40 (the paper's 40 of 400). */
  warmupEpochs: z.number().min(0).nullable().default(null),
  weightDecay: z.number().min(0).default(0.05),
  betas: z.tuple([decay, decay]).default([0.9, 0.95]),
  eps: z.number().positive().default(1e-8),
  /** Gradients are scaled down to this norm. Default: not clipped. */
  clipGrad: z.number().positive().nullable().default(null),
  /** Decay of a moving average of the weights, which is then what is evaluated and exported. Default: none. */
  ema: z.number().gt(0).lt(1).nullable().default(null),
});

export type OptimizerSettings = z.output<typeof optimizerSettings>;

/** The learning-rate schedule of these settings. */
export function scheduleOf(
  settings: OptimizerSettings,
  epochs: number,
  effectiveBatchSize: number,
): LearningRateSchedule {
  const { blr, minLr, warmupEpochs, schedule: kind, power, milestones, gamma } = settings;
  const base = {
    lr: settings.lr ?? scaleLearningRate(blr, effectiveBatchSize),
    warmupEpochs: warmupEpochs ?? Math.min(40, epochs / 10),
    epochs,
  };
  switch (kind) {
    case 'cosine':
      return { ...base, kind, minLr };
    case 'poly':
      return { ...base, kind, minLr, power };
    case 'step':
      return { ...base, kind, milestones: milestones.toSorted((a, b) => a - b), gamma };
  }
}
