/**
 * COCO for Node: masks as runs, annotation files, results files, and the evaluation of boxes and masks, with the numbers of
 * pycocotools. It stands alone: neither TensorFlow.js nor sharp is loaded, nor any other package.
 *
 * Not here: what reads or writes pictures. Training on a COCO data set begins with `cocoDataset`; checking, cropping and
 * converting one are in `/run`.
 *
 * @example
 * ```ts
 * import { evaluationLines, scoreResults } from '@mae-tasks/core-mae/coco';
 * const files = { annotations: 'instances_val.json', results: 'boxes.json' };
 * const { evaluation } = scoreResults({ ...files, type: 'bbox' });
 * console.log(evaluationLines(evaluation).join('\n'));
 * ```
 *
 * @packageDocumentation
 */

export { MaeError, type MaeErrorCode } from './base/errors.js';
export { decodeRle, encodeRle, mergeRles, type Rle, rleArea, rleFromCounts, rleToBox } from './data/masks/rle.js';
export { rleFromString, rleToString } from './data/masks/rle-string.js';
export { boxToRle, polygonsToRle, polygonToRle } from './data/masks/polygon.js';
export { rleToPolygons } from './data/masks/trace-polygons.js';
export { boxIou, maskIou } from './data/masks/overlap.js';
export { type CocoLayout, type CocoLayoutOptions, locateCoco } from './data/readers/coco-layout.js';
export { loadCoco, type LoadedCoco } from './data/coco/parse.js';
export {
  annotationMask,
  annotationPolygons,
  annotationRle,
  annotationsOfImage,
  type CocoAnnotations,
  type CocoCategory,
  type CocoImages,
  type ImageGroups,
} from './data/coco/annotations.js';
export { type AnnotatedPicture, collectAnnotations } from './data/coco/collect-annotations.js';
export { type CategoryCount, cocoStats, type CocoStats, type Spread } from './data/tools/coco-stats.js';
export { collectDetections, type Detection, type Detections } from './data/coco/detections.js';
export { type LoadedResults, loadResults, writeResults } from './data/coco/results.js';
export { type CocoEvaluation, evaluateCoco, type EvaluateOptions } from './data/coco/evaluation/evaluate.js';
export {
  type AreaRange,
  cocoParameters,
  type EvaluationParameters,
} from './data/coco/evaluation/evaluation-parameters.js';
export type { CategoryScores } from './data/coco/evaluation/evaluate-summary.js';
export { type ScoredResults, type ScoreOptions, scoreResults } from './data/coco/evaluation/score-results.js';
export { categoryTable, evaluationLines } from './data/coco/evaluation/report-text.js';
export {
  type PrecisionRecallCurve,
  precisionRecallCurves,
  precisionRecallSvg,
} from './report/charts/precision-recall.js';
export type { SegmentationPool } from './data/masks/segmentation.js';
export type { ChartStyle } from './report/charts/line-chart.js';
export type { Theme } from './report/charts/svg.js';
