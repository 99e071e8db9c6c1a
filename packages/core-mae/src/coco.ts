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
export { locateCoco } from './data/readers/coco-layout.js';
export { loadCoco, type LoadedCoco } from './data/coco/parse.js';
export {
  annotationMask,
  annotationPolygons,
  annotationRle,
  annotationsOfImage,
  type CocoAnnotations,
  type CocoCategory,
  type CocoImages,
} from './data/coco/annotations.js';
export { type AnnotatedPicture, collectAnnotations } from './data/coco/collect-annotations.js';
export { cocoStats, type CocoStats } from './data/tools/coco-stats.js';
export { collectDetections, type Detection, DetectionBuilder, type Detections } from './data/coco/detections.js';
export { type LoadedResults, loadResults, writeResults } from './data/coco/results.js';
export { type CocoEvaluation, evaluateCoco, type EvaluateOptions } from './data/coco/evaluation/evaluate.js';
export { cocoParameters, type EvaluationParameters } from './data/coco/evaluation/evaluation-parameters.js';
export type { CategoryScores } from './data/coco/evaluation/evaluate-summary.js';
export { type ScoredResults, type ScoreOptions, scoreResults } from './data/coco/evaluation/score-results.js';
export { categoryTable, evaluationLines } from './data/coco/evaluation/report-text.js';
export { precisionRecallCurves, precisionRecallSvg } from './report/charts/precision-recall.js';
