import type { CurveArrays } from './evaluate-accumulate.js';
import type { EvaluationParameters } from './evaluation-parameters.js';

/** One category's scores; −1 where the category has no ground truth. */
export interface CategoryScores {
  readonly id: number;
  readonly name: string;
  /** Mean of the precision over recalls and IoU thresholds. */
  readonly ap: number;
  readonly ap50: number;
  readonly ap75: number;
  readonly apSmall: number;
  readonly apMedium: number;
  readonly apLarge: number;
  /** Mean of the recall over IoU thresholds, with the largest number of detections. */
  readonly ar: number;
}

/** COCO's hard-coded limit for the first of the twelve numbers. */
const LIMIT_OF_FIRST = 100;

/** Which part of the curves a number averages; a field left out takes all. */
export interface CurveSelection {
  readonly iouThreshold?: number;
  /** Default "all". */
  readonly areaRange?: string;
  readonly maxDetections: number;
  readonly category?: number;
}

/** The twelve numbers (`COCOeval.summarize`). */
export function summarize(curves: CurveArrays, parameters: EvaluationParameters, numCategories: number): number[] {
  const limits = parameters.maxDetections;
  const last = limits[2] ?? limits.at(-1)!;
  const ap = (selection: CurveSelection): number => meanPrecision(curves, parameters, numCategories, selection);
  const ar = (selection: CurveSelection): number => meanRecall(curves, parameters, numCategories, selection);
  const sizes = ['small', 'medium', 'large'] as const;
  return [
    ap({ maxDetections: LIMIT_OF_FIRST }),
    ap({ iouThreshold: 0.5, maxDetections: last }),
    ap({ iouThreshold: 0.75, maxDetections: last }),
    ...sizes.map((areaRange) => ap({ areaRange, maxDetections: last })),
    ...[0, 1, 2].map((m) => ar({ maxDetections: limits[m] ?? last })),
    ...sizes.map((areaRange) => ar({ areaRange, maxDetections: last })),
  ];
}

/** Every category's own scores, in their order. */
export function scoresByCategory(
  curves: CurveArrays,
  parameters: EvaluationParameters,
  categories: ReadonlyArray<{ readonly id: number; readonly name: string }>,
): CategoryScores[] {
  const maxDetections = parameters.maxDetections.at(-1)!;
  return categories.map(({ id, name }, category) => {
    const ap = (selection: Partial<CurveSelection>): number =>
      meanPrecision(curves, parameters, categories.length, { maxDetections, category, ...selection });
    return {
      id,
      name,
      ap: ap({}),
      ap50: ap({ iouThreshold: 0.5 }),
      ap75: ap({ iouThreshold: 0.75 }),
      apSmall: ap({ areaRange: 'small' }),
      apMedium: ap({ areaRange: 'medium' }),
      apLarge: ap({ areaRange: 'large' }),
      ar: meanRecall(curves, parameters, categories.length, { maxDetections, category }),
    };
  });
}

/** Mean precision of a selection, leaving out categories without ground truth; −1 when nothing is left. */
function meanPrecision(
  { precision }: CurveArrays,
  parameters: EvaluationParameters,
  numCategories: number,
  selection: CurveSelection,
): number {
  return meanOver(precision, parameters.recallThresholds.length, parameters, numCategories, selection);
}

function meanRecall(
  { recall }: CurveArrays,
  parameters: EvaluationParameters,
  numCategories: number,
  selection: CurveSelection,
): number {
  return meanOver(recall, 1, parameters, numCategories, selection);
}

/** @param values `[T, R, K, A, M]` */
function meanOver(
  values: Float64Array,
  R: number,
  { iouThresholds, areaRanges, maxDetections }: EvaluationParameters,
  numCategories: number,
  { iouThreshold, areaRange = 'all', maxDetections: limit, category }: CurveSelection,
): number {
  const area = areaRanges.findIndex(({ name }) => name === areaRange);
  const m = maxDetections.indexOf(limit);
  if (area < 0 || m < 0) return -1;
  let sum = 0;
  let count = 0;
  for (let t = 0; t < iouThresholds.length; t++) {
    if (iouThreshold !== undefined && iouThresholds[t] !== iouThreshold) continue;
    for (let r = 0; r < R; r++) {
      for (let k = category ?? 0; k < (category === undefined ? numCategories : category + 1); k++) {
        const value =
          values[(((t * R + r) * numCategories + k) * areaRanges.length + area) * maxDetections.length + m]!;
        if (value <= -1) continue;
        sum += value;
        count++;
      }
    }
  }
  return count === 0 ? -1 : sum / count;
}
