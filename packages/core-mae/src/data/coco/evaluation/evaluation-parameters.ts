import { MaeError } from '../../../base/errors.js';

export interface AreaRange {
  readonly name: string;
  /** In pixels; both ends belong to the range. */
  readonly min: number;
  readonly max: number;
}

export interface EvaluationParameters {
  readonly iouThresholds: readonly number[];
  readonly recallThresholds: readonly number[];
  /** Detections counted in each picture and category, ascending. */
  readonly maxDetections: readonly number[];
  readonly areaRanges: readonly AreaRange[];
}

/**
 * COCO's own parameters (pycocotools, `Params.setDetParams`), with the values that numpy's `linspace` gives, which are
 * not always the nearest to the decimal fractions.
 */
export const cocoParameters: EvaluationParameters = {
  iouThresholds: Array.from({ length: 10 }, (_, i) => (i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9))),
  recallThresholds: Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01)),
  maxDetections: [1, 10, 100],
  areaRanges: [
    { name: 'all', min: 0, max: 1e10 },
    { name: 'small', min: 0, max: 32 ** 2 },
    { name: 'medium', min: 32 ** 2, max: 96 ** 2 },
    { name: 'large', min: 96 ** 2, max: 1e10 },
  ],
};

/** Which pictures and categories count, and in which order. */
export interface EvaluationScope {
  /** Place of each picture in the order of ids; −1 for those left out. */
  readonly imageRanks: Int32Array;
  readonly numImages: number;
  /** Place of each category; −1 for those left out. */
  readonly categoryRanks: Int32Array;
  readonly categories: readonly number[];
}

/** Positions of one picture's group among the ground truths and the detections; −1 where it has none. */
export interface GroupPair {
  readonly truth: number;
  readonly detection: number;
}

/** The parameters with COCO's own where they are left out. @throws MaeError `CONFIG_INVALID` */
export function checkedParameters(options: Partial<EvaluationParameters>): EvaluationParameters {
  const parameters: EvaluationParameters = {
    iouThresholds: options.iouThresholds ?? cocoParameters.iouThresholds,
    recallThresholds: options.recallThresholds ?? cocoParameters.recallThresholds,
    maxDetections: options.maxDetections ?? cocoParameters.maxDetections,
    areaRanges: options.areaRanges ?? cocoParameters.areaRanges,
  };
  for (const name of ['iouThresholds', 'recallThresholds', 'maxDetections'] as const) {
    const values = parameters[name];
    if (values.length === 0 || values.some((value, i) => !Number.isFinite(value) || value < (values[i - 1] ?? 0))) {
      throw new MaeError('CONFIG_INVALID', {
        what: `\`${name}\` (=[${values.join(', ')}]) must be ascending numbers from 0`,
        fix: `leave it out for COCO's own values`,
      });
    }
  }
  if (parameters.areaRanges.length === 0) {
    throw new MaeError('CONFIG_INVALID', { what: '`areaRanges` is empty', fix: 'leave it out for the COCO ranges' });
  }
  return parameters;
}
