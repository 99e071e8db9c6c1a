import { MaeError, type VitConfig } from '@mae-tasks/core-mae/task';
import type { BoxWeights } from '../boxes/box-codec.js';

/** How regressed boxes are compared with true ones: on their deltas, or by overlap (Rezatofighi et al. 2019). */
export type BoxLoss = { readonly kind: 'smooth-l1'; readonly beta: number } | { readonly kind: 'giou' };

/** How many of the best proposals of each level are looked at, and how many of all levels are kept. */
export interface ProposalCounts {
  readonly beforeNms: number;
  readonly afterNms: number;
}

/** What distinguishes the stages of a cascade. */
export interface CascadeStage {
  /** Overlap from which on a proposal counts as its object. */
  readonly iouThreshold: number;
  readonly boxWeights: BoxWeights;
}

/** What the encoder and its pyramid are made of, whatever stands on them. */
export type EncoderConfig = Pick<DetectorConfig, 'vit' | 'positionGrid' | 'windowSize' | 'globalBlocks'>;

/** A Mask R-CNN on a plain ViT (Li et al. 2022, "Exploring Plain Vision Transformer Backbones for Object Detection"). */
export interface DetectorConfig {
  /** Its `imageSize` is the size that pictures are padded to. */
  readonly vit: VitConfig;
  readonly numClasses: number;
  /** Grid of the position table, rows and columns: that of pretraining. Positions are interpolated to the picture's. */
  readonly positionGrid: readonly [number, number];
  /** Side of the windows of attention, in patches. */
  readonly windowSize: number;
  /** Blocks whose attention is global; the others' stays in windows. */
  readonly globalBlocks: readonly number[];
  readonly neck: 'simple' | 'fpn';
  /** Channels of every pyramid level. */
  readonly pyramidChannels: number;
  readonly anchors: {
    /** Side of the square anchor at each pyramid level, finest first; five. Pixels. */
    readonly sizes: readonly [number, number, number, number, number];
    /** Height over width. */
    readonly aspectRatios: readonly number[];
  };
  readonly rpn: {
    readonly numConvs: number;
    readonly train: ProposalCounts;
    readonly test: ProposalCounts;
    readonly nmsThreshold: number;
    /** Anchors of this overlap with an object at least are objects, below the lower one background. */
    readonly iouThresholds: readonly [number, number];
    readonly anchorsPerImage: number;
    readonly positiveFraction: number;
    readonly boxLoss: BoxLoss;
  };
  readonly boxHead: {
    readonly numConvs: number;
    readonly convChannels: number;
    readonly hiddenFeatures: number;
    readonly poolSize: number;
    /** Samples along each side of a pooled cell; 0: as many as the cell has pixels. */
    readonly samplingRatio: number;
    readonly iouThreshold: number;
    readonly proposalsPerImage: number;
    readonly positiveFraction: number;
    readonly boxLoss: BoxLoss;
  };
  /** Box heads one after another instead of one, each with its own matches; `boxHead.iouThreshold` draws proposals. */
  readonly cascade?: readonly CascadeStage[] | undefined;
  /** Absent for boxes only. */
  readonly maskHead?:
    | {
        readonly numConvs: number;
        readonly convChannels: number;
        readonly poolSize: number;
      }
    | undefined;
  readonly test: {
    readonly scoreThreshold: number;
    readonly nmsThreshold: number;
    /** Whether detections of different classes suppress each other. Default false. */
    readonly agnosticNms?: boolean | undefined;
    readonly detectionsPerImage: number;
    /** Indices of the classes to look for. Default: all. */
    readonly classes?: readonly number[] | undefined;
  };
}

/** What a caller must choose; the rest has defaults. */
export type DetectorOptions = Pick<DetectorConfig, 'vit' | 'numClasses'> & Partial<DetectorConfig>;

/**
 * A configuration with ViTDet's defaults (detectron2's configs/common/models/mask_rcnn_vitdet.py).
 *
 * @throws MaeError `CONFIG_INVALID` where sizes do not fit together
 */
export function detectorConfig(options: DetectorOptions): DetectorConfig {
  const { vit } = options;
  const config: DetectorConfig = {
    positionGrid: [224 / 16, 224 / 16],
    windowSize: 14,
    globalBlocks: spreadGlobalBlocks(vit.depth),
    neck: 'simple',
    pyramidChannels: 256,
    anchors: { sizes: [32, 64, 128, 256, 512], aspectRatios: [0.5, 1, 2] },
    rpn: {
      numConvs: 2,
      train: { beforeNms: 2000, afterNms: 1000 },
      test: { beforeNms: 1000, afterNms: 1000 },
      nmsThreshold: 0.7,
      iouThresholds: [0.3, 0.7],
      anchorsPerImage: 256,
      positiveFraction: 0.5,
      boxLoss: { kind: 'smooth-l1', beta: 0 },
    },
    boxHead: {
      numConvs: 4,
      convChannels: 256,
      hiddenFeatures: 1024,
      poolSize: 7,
      samplingRatio: 0,
      iouThreshold: 0.5,
      proposalsPerImage: 512,
      positiveFraction: 0.25,
      boxLoss: { kind: 'smooth-l1', beta: 0 },
    },
    maskHead: { numConvs: 4, convChannels: 256, poolSize: 14 },
    test: { scoreThreshold: 0.05, nmsThreshold: 0.5, detectionsPerImage: 100 },
    ...options,
  };
  requireValid(config);
  return config;
}

/** The last blocks of `numGroups` groups of blocks of about the same size (ViTDet §3). */
export function spreadGlobalBlocks(depth: number, numGroups = 4): number[] {
  const ends = Array.from({ length: numGroups }, (_, group) => Math.round(((group + 1) * depth) / numGroups) - 1);
  return [...new Set(ends)].filter((index) => index >= 0);
}

/** Pixels between neighbouring cells of the pyramid's levels p2 … p6. */
export function pyramidStrides({ patchSize }: VitConfig): readonly number[] {
  return [patchSize / 4, patchSize / 2, patchSize, patchSize * 2, patchSize * 4];
}

/** Rows and columns of the pyramid's levels p2 … p6. */
export function pyramidGrids({ imageSize, patchSize }: VitConfig): ReadonlyArray<readonly [number, number]> {
  const [height, width] = [imageSize[0] / patchSize, imageSize[1] / patchSize];
  return [4, 2, 1, 1 / 2, 1 / 4].map((scale) => [Math.ceil(height * scale), Math.ceil(width * scale)] as const);
}

function requireValid({ vit, globalBlocks, windowSize, numClasses, neck, cascade }: DetectorConfig): void {
  const refuse = (what: string, fix: string): never => {
    throw new MaeError('CONFIG_INVALID', { what, fix });
  };
  if (vit.imageSize.some((side) => side % (2 * vit.patchSize) !== 0)) {
    const side = 2 * vit.patchSize;
    refuse(
      `\`imageSize\` (=${vit.imageSize.join('×')}) must be divisible by twice the \`patchSize\` (=${side})`,
      'the coarsest level of the pyramid is half as fine as the patches',
    );
  }
  if (!Number.isInteger(windowSize) || windowSize < 1) {
    refuse(`\`windowSize\` (=${windowSize}) must be a whole number above 0`, 'ViTDet uses 14');
  }
  const beyond = globalBlocks.find((index) => !Number.isInteger(index) || index < 0 || index >= vit.depth);
  if (beyond !== undefined) {
    refuse(`\`globalBlocks\` names block ${beyond}`, `blocks are numbered 0 to ${vit.depth - 1}`);
  }
  if (neck === 'fpn' && (globalBlocks.length !== 4 || !globalBlocks.includes(vit.depth - 1))) {
    refuse(
      `\`globalBlocks\` (=${globalBlocks.join(', ')}) must be four, the last block (=${vit.depth - 1}) among them`,
      'the neck `fpn` takes its four maps from them',
    );
  }
  if (cascade?.length === 0) refuse('`cascade` has no stage', 'leave it out for a single box head');
  if (!Number.isInteger(numClasses) || numClasses < 1) {
    refuse(`\`numClasses\` (=${numClasses}) must be a whole number above 0`, 'annotations need a category');
  }
}
