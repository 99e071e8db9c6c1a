import { sortByFallingScore } from './evaluate-groups.js';
import { type CategoryOutcome, FALSE_POSITIVE, TRUE_POSITIVE } from './evaluate-match.js';
import type { EvaluationParameters } from './evaluation-parameters.js';

/** Curves by threshold; T IoU thresholds, R recalls, K categories, A area ranges, M limits on detections. */
export interface CurveArrays {
  /** `[T, R, K, A, M]`: precision at each recall; −1 where the category has no ground truth. */
  readonly precision: Float64Array;
  /** `[T, R, K, A, M]`: the score at which that recall is reached, 0 where it is not. */
  readonly scores: Float64Array;
  /** `[T, K, A, M]`: the recall of all detections. */
  readonly recall: Float64Array;
}

/** Python's `np.spacing(1)`: keeps a precision of 0 / 0 at 0. */
const SPACING = 2 ** -52;

/** Writes one category's curves (`COCOeval.accumulate`). */
export function accumulateCategory(
  { precision, scores, recall }: CurveArrays,
  { iouThresholds, recallThresholds, maxDetections, areaRanges }: EvaluationParameters,
  numCategories: number,
  category: number,
  outcome: CategoryOutcome,
): void {
  if (!outcome.occurs) return;
  const { numDetections, ranks, statuses, numTruths } = outcome;
  const [T, R, A, M] = [iouThresholds.length, recallThresholds.length, areaRanges.length, maxDetections.length];
  const order = Int32Array.from({ length: numDetections }, (_, i) => i);
  sortByFallingScore(order, 0, numDetections, outcome.scores);
  // Precision changes its running maximum, and recall its value, at true positives only: the rest need not be kept.
  const precisionAt = new Float64Array(numDetections);
  const scoreAt = new Float64Array(numDetections);

  for (let area = 0; area < A; area++) {
    const numPositive = numTruths[area]!;
    if (numPositive === 0) continue;
    for (let m = 0; m < M; m++) {
      const limit = maxDetections[m]!;
      for (let t = 0; t < T; t++) {
        const row = (area * T + t) * numDetections;
        let numTrue = 0;
        let numFalse = 0;
        let highestScore = 0;
        let numCounted = 0;
        for (let i = 0; i < numDetections; i++) {
          const detection = order[i]!;
          if (ranks[detection]! >= limit) continue;
          if (numCounted++ === 0) highestScore = outcome.scores[detection]!;
          const status = statuses[row + detection]!;
          if (status === TRUE_POSITIVE) {
            precisionAt[numTrue] = (numTrue + 1) / (numFalse + (numTrue + 1) + SPACING);
            scoreAt[numTrue] = outcome.scores[detection]!;
            numTrue++;
          } else if (status === FALSE_POSITIVE) numFalse++;
        }
        recall[((t * numCategories + category) * A + area) * M + m] = numTrue / numPositive;
        for (let i = numTrue - 2; i >= 0; i--) {
          if (precisionAt[i + 1]! > precisionAt[i]!) precisionAt[i] = precisionAt[i + 1]!;
        }
        let reached = 0;
        for (let r = 0; r < R; r++) {
          const wanted = recallThresholds[r]!;
          while (reached < numTrue && (reached + 1) / numPositive < wanted) reached++;
          const at = (((t * R + r) * numCategories + category) * A + area) * M + m;
          precision[at] = reached < numTrue ? precisionAt[reached]! : 0;
          // A recall of 0 is reached by the first detection, whatever became of it.
          scores[at] = wanted <= 0 ? highestScore : reached < numTrue ? scoreAt[reached]! : 0;
        }
      }
    }
  }
}
