import { classWeightsSetting, rangeSetting } from '@mae-tasks/core-mae/task';
import { z } from 'zod';

const share = z.number().min(0).max(1);

/** What classification adds to fine-tuning. Names and defaults are the official main_finetune.py's. */
export const classifySettings = z.strictObject({
  /** What the classifier reads: the mean of the patches, normalised by `fc_norm`, or the class token. */
  pool: z.enum(['mean', 'class-token']).default('mean'),
  /** Share of a target that is spread over all classes (Szegedy et al. 2016). */
  labelSmoothing: z.number().min(0).lt(1).default(0.1),
  /** Weight of each class in the loss; `balanced` weighs by the inverse of its count. Default: all the same. */
  classWeights: classWeightsSetting,
  /** Parameter of the Beta distribution that pictures are mixed by; 0 mixes none (Zhang et al. 2018). */
  mixup: z.number().min(0).default(0),
  /** Parameter of the Beta distribution that pasted boxes are drawn by; 0 pastes none (Yun et al. 2019). */
  cutmix: z.number().min(0).default(0),
  /** Share of the batches that are mixed at all, where mixup or cutmix is on. */
  mixProbability: share.default(1),
  /** Share of the mixed batches that paste boxes, where both are on. */
  switchProbability: share.default(0.5),
  augmentation: z
    .strictObject({
      /** RandomResizedCrop's share of the picture's area; null takes the centre as in evaluation. */
      cropScale: rangeSetting.nullable().default([0.08, 1]),
      cropRatio: rangeSetting.default([3 / 4, 4 / 3]),
      /** Probability of a horizontal flip. */
      flip: share.default(0.5),
      /** RandAugment as timm writes it; null for none. */
      randAugment: z.string().nullable().default('rand-m9-mstd0.5-inc1'),
      /** Probability that a box of noise replaces part of the picture (Zhong et al. 2020). */
      randomErasing: share.default(0.25),
    })
    .prefault({}),
  /**
   * Share of a picture's shorter side that evaluation and prediction look at, timm's `crop_pct`; 1 for all of it, where
   * pictures are small or tightly cut. Default: the official 0.875, above 224 pixels 1.
   */
  cropPct: z.number().gt(0).max(1).nullable().default(null),
  /** How many classes a prediction names. */
  topK: z.int().positive().default(5),
  /** Whether evaluation and prediction average over the picture and its mirror image. */
  testTimeFlip: z.boolean().default(false),
});

export type ClassifySettings = z.output<typeof classifySettings>;
