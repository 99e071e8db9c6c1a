import { classWeightsSetting, rangeSetting } from '@mae-tasks/core-mae/task';
import { z } from 'zod';

const share = z.number().min(0).max(1);
const pixels = z.int().positive();

/** What segmentation adds to fine-tuning. `model.imageSize` is the size of a training crop and of a window. */
export const segmentSettings = z.strictObject({
  /**
   * What turns tokens into classes: transposed convolutions, one linear layer (Segmenter, Strudel et al. 2021, §3.2), or
   * UPerNet (Xiao et al. 2018) as mmsegmentation puts it on MAE.
   */
  decoder: z.enum(['deconv', 'linear', 'upernet']).default('deconv'),
  /** Blocks whose tokens the decoder reads, from 0. Default: the last one; for `upernet` four at thirds and the half. */
  taps: z.array(z.int().min(0)).min(1).max(4).nullable().default(null),
  /** The norm of the decoder's layers. Batch norm reads the whole batch, so that batches cannot be split. */
  norm: z.enum(['layer', 'batch', 'group']).default('layer'),
  /** Share of the channels that are dropped before the classifier while training. */
  dropout: z.number().min(0).lt(1).default(0),
  deconv: z
    .strictObject({
      /** Channels of each stage; every stage doubles the resolution. */
      channels: z.array(pixels).min(1).max(4).default([256, 128]),
      activation: z.enum(['gelu', 'relu']).default('gelu'),
      /**
       * Channels of convolutions on the pixels, joined to every stage by one of 3×3: tokens alone say nothing of where in
       * a patch an object ends (Yao et al. 2024, "ViTMatte", §3.3); 0 for none.
       */
      detail: z.int().min(0).multipleOf(2).default(0),
    })
    .prefault({}),
  upernet: z
    .strictObject({
      /** Default: the encoder's width. */
      channels: pixels.nullable().default(null),
      /** Sides of the grids that the deepest map is averaged to. */
      poolScales: z.array(pixels).min(1).default([1, 2, 3, 6]),
    })
    .prefault({}),
  /** A second, small head on an earlier block while training (mmsegmentation's `FCNHead`); null for none. */
  auxiliary: z
    .strictObject({
      weight: z.number().positive().default(0.4),
      /** The block that it reads. Default: at two thirds of the depth. */
      tap: z.int().min(0).nullable().default(null),
      channels: pixels.default(256),
    })
    .nullable()
    .default(null),
  loss: z
    .strictObject({
      /** Weight of each class; `balanced` weighs by median over own frequency (Eigen and Fergus 2015, §6.3.2). */
      classWeights: classWeightsSetting,
      /** Weight of the Dice loss beside the cross entropy (Milletari et al. 2016); 0 for none. */
      dice: z.number().min(0).default(0),
      /** Online hard example mining as mmsegmentation's `OHEMPixelSampler`; null for none. */
      ohem: z
        .strictObject({
          /** Pixels whose class is less probable than this are kept; null keeps those of the largest loss. */
          thresh: z.number().gt(0).lt(1).nullable().default(0.7),
          /** Pixels of each picture that are kept at least. */
          minKept: z.int().min(1).default(100_000),
        })
        .nullable()
        .default(null),
    })
    .prefault({}),
  augmentation: z
    .strictObject({
      /** Factor on the picture's size before the crop. */
      scale: rangeSetting.default([0.5, 2]),
      /** Pixels of the shorter side at a factor of 1. Default: the crop's shorter side. */
      shorter: pixels.nullable().default(null),
      /** A crop where one class has a larger share is drawn again. */
      catMaxRatio: z.number().gt(0).max(1).default(0.75),
      /** Probability of a horizontal flip. */
      flip: share.default(0.5),
      /** Whether brightness, contrast, saturation and hue change. */
      photometric: z.boolean().default(true),
    })
    .prefault({}),
  inference: z
    .strictObject({
      /** `slide` moves a window over the picture; `whole` fits the picture into one window. */
      mode: z.enum(['slide', 'whole']).default('slide'),
      /** With `slide`: pixels of the shorter side, or `original`. Default: those of a factor of 1 in training. */
      shorter: z
        .union([z.literal('original'), pixels])
        .nullable()
        .default(null),
      /** Pixels between windows. Default: half a window. */
      stride: pixels.nullable().default(null),
      /** Factors on the picture's size whose answers are averaged. */
      scales: z.array(z.number().positive()).min(1).default([1]),
      /** Whether the mirrored picture is asked too. */
      flip: z.boolean().default(false),
    })
    .prefault({}),
  /** What pixels without an object are, in data of objects: a class of their own, or ignored. */
  background: z.enum(['class', 'ignore']).default('class'),
  /** Names of the classes, where the data does not name them. */
  classNames: z.array(z.string().min(1)).min(2).nullable().default(null),
});

export type SegmentSettings = z.output<typeof segmentSettings>;
