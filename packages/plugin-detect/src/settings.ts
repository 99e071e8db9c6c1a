import { rangeSetting } from '@mae-tasks/core-mae/task';
import { z } from 'zod';

const count = z.int().positive();
const share = z.number().min(0).max(1);
const side = z.number().positive();

const boxLoss = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('smooth-l1'), beta: z.number().min(0).default(0) }),
    z.strictObject({ kind: z.literal('giou') }),
  ])
  .default({ kind: 'smooth-l1', beta: 0 });

const proposalCounts = (beforeNms: number, afterNms: number) =>
  z.strictObject({ beforeNms: count.default(beforeNms), afterNms: count.default(afterNms) }).prefault({});

/** Of the head without proposals. */
const oneStage = z.strictObject({
  /**
   * Pixels between neighbouring points of each level, finest first: a quarter to four times the patches' side. Default:
   * half the patches' side, that side, and twice it.
   */
  strides: z.array(side).min(1).nullable().default(null),
  /** Channels of every level of the pyramid, and of the convolutions on them. */
  channels: count.default(64),
  /** Channels of convolutions on the pixels, added to what the encoder says (Chen et al. 2023, "ViT-Adapter"); 0: none. */
  spatialPrior: z.int().min(0).multipleOf(2).default(48),
  /** Convolutions before the classes, and as many before the boxes. */
  numConvs: z.int().min(0).default(2),
  /** Bins that the distance of a side is distributed over, a stride each (Li et al. 2020). */
  regMax: z.int().min(2).default(16),
  /** Task-aligned assignment (Feng et al. 2021): points for each object, powers of score and overlap. */
  assignment: z
    .strictObject({
      topk: count.default(10),
      alpha: z.number().min(0).default(0.5),
      beta: z.number().min(0).default(6),
    })
    .prefault({}),
  lossWeights: z
    .strictObject({
      classification: z.number().positive().default(0.5),
      box: z.number().positive().default(7.5),
      distribution: z.number().min(0).default(1.5),
      mask: z.number().min(0).default(7.5),
    })
    .prefault({}),
  /** Masks as sums of prototypes (Bolya et al. 2019). */
  prototypes: z
    .strictObject({
      count: count.default(32),
      channels: count.default(64),
      /** Points of a picture whose masks are learned in a step. */
      pointsPerImage: count.default(64),
    })
    .prefault({}),
});

/**
 * What detection adds to fine-tuning. Names are detectron2's where it has one; defaults are those of ViTDet (detectron2's
 * configs/common/models/mask_rcnn_vitdet.py).
 */
export const detectSettings = z.strictObject({
  /** Whether the pixels of objects are predicted besides their boxes. Default: where objects of the data have masks. */
  masks: z.boolean().nullable().default(null),
  /**
   * Proposals and a second look at each (Mask R-CNN), or all at once at every point of the pyramid. Default: the recipe's;
   * without one, two stages.
   */
  head: z.enum(['two-stage', 'one-stage']).nullable().default(null),
  oneStage: oneStage.prefault({}),
  /** Three box heads one after another, each with stricter matches (Cai and Vasconcelos 2018). */
  cascade: z.boolean().default(false),
  /** Pyramid from the encoder's last map, or from four of its maps (He et al. 2022, §A.3). */
  neck: z.enum(['simple', 'fpn']).default('simple'),
  /** Channels of every level of the pyramid. */
  pyramidChannels: count.default(256),
  /** Side of the windows that attention stays in, in patches. */
  windowSize: count.default(14),
  /** Blocks with attention over the whole picture. Default: the last of each quarter. */
  globalBlocks: z.array(z.int().min(0)).nullable().default(null),
  /**
   * Rows and columns of the table of positions, interpolated to those of the picture in every pass. Default: those of
   * the picture, interpolated once, when a checkpoint is loaded.
   */
  positionGrid: z.tuple([count, count]).nullable().default(null),
  anchors: z
    .strictObject({
      /**
       * Side of the square anchor at each level of the pyramid, finest first, in pixels. Default: eight times the level's
       * stride (32 to 512 for patches of 16), all smaller where the largest would not fit into the picture.
       */
      sizes: z.tuple([side, side, side, side, side]).nullable().default(null),
      /** Height over width. */
      aspectRatios: z.array(z.number().positive()).min(1).default([0.5, 1, 2]),
    })
    .prefault({}),
  rpn: z
    .strictObject({
      numConvs: count.default(2),
      /** The best of each level before suppression, and of all levels after it. */
      train: proposalCounts(2000, 1000),
      test: proposalCounts(1000, 1000),
      nmsThreshold: share.default(0.7),
      /** Overlaps below which an anchor is background, and from which on it is an object. */
      iouThresholds: z
        .tuple([share, share])
        .refine(([low, high]) => low <= high, 'the first may not be above the second')
        .default([0.3, 0.7]),
      anchorsPerImage: count.default(256),
      positiveFraction: share.default(0.5),
      boxLoss,
    })
    .prefault({}),
  boxHead: z
    .strictObject({
      numConvs: z.int().min(0).default(4),
      convChannels: count.default(256),
      hiddenFeatures: count.default(1024),
      poolSize: count.default(7),
      /** Samples along each side of a pooled cell; 0: as many as it has pixels. */
      samplingRatio: z.int().min(0).default(0),
      iouThreshold: share.default(0.5),
      proposalsPerImage: count.default(512),
      positiveFraction: share.default(0.25),
      boxLoss,
    })
    .prefault({}),
  maskHead: z
    .strictObject({
      numConvs: z.int().min(0).default(4),
      convChannels: count.default(256),
      poolSize: count.default(14),
    })
    .prefault({}),
  augmentation: z
    .strictObject({
      /** Large-scale jitter: factors on the size that fits the picture (Ghiasi et al. 2021). */
      scale: rangeSetting.default([0.1, 2]),
      /** Probability of a horizontal flip. */
      flip: share.default(0.5),
      /**
       * Largest move of the picture's middle, as a share of its side; pictures are then scaled around their middle, and
       * no longer cut out anywhere. Default: large-scale jitter.
       */
      translate: z.number().min(0).max(0.5).nullable().default(null),
      /** Probability of four pictures laid side by side (Bochkovskiy et al. 2020). */
      mosaic: share.default(0),
      /** Probability that a picture gets objects of another, as far as these have masks (Ghiasi et al. 2021). */
      copyPaste: share.default(0),
      /** Share of the training after which mosaics and copied objects end. */
      composeUntil: share.default(0.85),
      /** Probability of each change of brightness, contrast, saturation and hue; pictures have to be in colour. */
      color: share.default(0),
    })
    .prefault({}),
  /** Detections below it are dropped. */
  scoreThreshold: share.default(0.05),
  /** Overlap from which on, of two detections of a class, the lower is dropped. */
  nmsThreshold: share.default(0.5),
  /** Whether that also goes for two detections of different classes. */
  agnosticNms: z.boolean().default(false),
  detectionsPerImage: count.default(100),
  /** The classes to look for in predictions and evaluations, by name. Default: all that were trained. */
  classes: z.array(z.string()).min(1).nullable().default(null),
  /** Detections below it are not drawn. */
  drawThreshold: share.default(0.5),
  /** Whether norms and positions are decayed too, as in ViTDet-H. */
  decayNorms: z.boolean().default(false),
});

export type DetectSettings = z.output<typeof detectSettings>;
