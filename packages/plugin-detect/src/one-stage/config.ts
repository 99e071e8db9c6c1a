import { MaeError } from '@mae-tasks/core-mae/task';
import type { DetectorConfig, EncoderConfig } from '../network/detector-config.js';

/** A detector without proposals: every point of a pyramid says what it is in the middle of, and how far that reaches. */
export interface OneStageConfig extends EncoderConfig {
  readonly numClasses: number;
  /** Pixels between neighbouring points of the levels, finest first: a quarter to four times the patches' side. */
  readonly strides: readonly number[];
  /** Channels of every pyramid level. */
  readonly pyramidChannels: number;
  /** Channels of convolutions on the pixels beside the encoder, added to its pyramid; 0 for none. */
  readonly spatialPrior: number;
  /** Convolutions before the classes, and as many before the boxes. */
  readonly numConvs: number;
  readonly convChannels: number;
  /** Distances, in strides, that the sides of a box are distributed over: 0 … regMax − 1 (Li et al. 2020). */
  readonly regMax: number;
  readonly assignment: AssignmentConfig;
  readonly lossWeights: {
    readonly classification: number;
    readonly box: number;
    readonly distribution: number;
    readonly mask: number;
  };
  /** Absent for boxes only. */
  readonly masks?: PrototypeConfig | undefined;
  readonly test: DetectorConfig['test'];
}

/** Which points are to find an object (Feng et al. 2021, "TOOD", §3.2). */
export interface AssignmentConfig {
  /** Points of the greatest alignment that each object takes. */
  readonly topk: number;
  /** Power of the score in the alignment. */
  readonly alpha: number;
  /** Power of the overlap in the alignment. */
  readonly beta: number;
}

/** Masks as sums of prototypes (Bolya et al. 2019, "YOLACT"). */
export interface PrototypeConfig {
  readonly numPrototypes: number;
  readonly channels: number;
  /** Points of each picture whose masks are learned in a step, drawn from those that have an object. */
  readonly pointsPerImage: number;
}

/** @throws MaeError `CONFIG_INVALID` where sizes do not fit together */
export function requireValidOneStage({ vit, strides, globalBlocks, windowSize }: OneStageConfig): void {
  const refuse = (what: string, fix: string): never => {
    throw new MaeError('CONFIG_INVALID', { what, fix });
  };
  const { patchSize, imageSize, depth } = vit;
  const possible = [1 / 4, 1 / 2, 1, 2, 4].map((factor) => factor * patchSize).filter(Number.isInteger);
  const strange = strides.find((stride) => !possible.includes(stride));
  if (strange !== undefined) {
    refuse(
      `\`detect.oneStage.strides\` names ${strange}`,
      `with patches of ${patchSize} choose from ${possible.join(', ')}`,
    );
  }
  if (strides.some((stride, index) => index > 0 && stride <= strides[index - 1]!)) {
    refuse(`\`detect.oneStage.strides\` (=${strides.join(', ')}) must grow`, 'name the finest level first, each once');
  }
  const coarsest = Math.max(patchSize, ...strides);
  if (imageSize.some((side) => side % coarsest !== 0)) {
    refuse(
      `\`imageSize\` (=${imageSize.join('×')}) must be divisible by the coarsest stride (=${coarsest})`,
      'choose another size, or leave out the coarsest of `detect.oneStage.strides`',
    );
  }
  if (!Number.isInteger(windowSize) || windowSize < 1) {
    refuse(`\`windowSize\` (=${windowSize}) must be a whole number above 0`, 'ViTDet uses 14');
  }
  const beyond = globalBlocks.find((index) => !Number.isInteger(index) || index < 0 || index >= depth);
  if (beyond !== undefined) refuse(`\`globalBlocks\` names block ${beyond}`, `blocks are numbered 0 to ${depth - 1}`);
}
