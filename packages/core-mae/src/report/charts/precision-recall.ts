import type { CocoEvaluation } from '../../data/coco/evaluation/evaluate.js';
import { type ChartStyle, lineChartSvg } from './line-chart.js';

/** A curve of precision by recall. */
export interface PrecisionRecallCurve {
  readonly name: string;
  readonly iouThreshold: number;
  readonly recall: readonly number[];
  /** Mean over the categories that have ground truth; NaN where none has. */
  readonly precision: readonly number[];
}

/**
 * Curves for objects of all sizes with the largest number of detections, by IoU threshold.
 *
 * @param category its position among the evaluation's categories; default all, averaged
 */
export function precisionRecallCurves(
  { precision, parameters, categories }: CocoEvaluation,
  category?: number,
): PrecisionRecallCurve[] {
  const { iouThresholds, recallThresholds, areaRanges, maxDetections } = parameters;
  const [R, K, A, M] = [recallThresholds.length, categories.length, areaRanges.length, maxDetections.length];
  const area = Math.max(
    0,
    areaRanges.findIndex(({ name }) => name === 'all'),
  );
  const chosen = category === undefined ? [...categories.keys()] : [category];
  return iouThresholds.map((iouThreshold, t) => ({
    name: `IoU ${iouThreshold.toFixed(2)}`,
    iouThreshold,
    recall: recallThresholds,
    precision: recallThresholds.map((_, r) => {
      const values = chosen.map((k) => precision[(((t * R + r) * K + k) * A + area) * M + M - 1]!);
      const defined = values.filter((value) => value > -1);
      return defined.reduce((sum, value) => sum + value, 0) / defined.length;
    }),
  }));
}

/** The curves at IoU 0.5, 0.75 and the mean of all thresholds, as an SVG file of 640 × 400 pixels by default. */
export function precisionRecallSvg(evaluation: CocoEvaluation, style: ChartStyle = {}, category?: number): string {
  const curves = precisionRecallCurves(evaluation, category);
  const named = [0.5, 0.75].flatMap((threshold) => curves.filter(({ iouThreshold }) => iouThreshold === threshold));
  const recall = evaluation.parameters.recallThresholds;
  const mean = recall.map((_, r) => curves.reduce((sum, { precision }) => sum + precision[r]!, 0) / curves.length);
  const series = [
    ...named.map(({ name, precision }) => ({ name, x: recall, y: precision })),
    ...(curves.length > 1 ? [{ name: 'mean over IoU', x: recall, y: mean }] : []),
  ];
  const what = category === undefined ? 'all categories' : evaluation.categories[category]!.name;
  return lineChartSvg(
    { title: `${evaluation.type}, ${what}`, series, xLabel: 'recall', yLabel: 'precision' },
    { width: 640, height: 400, ...style },
  );
}
