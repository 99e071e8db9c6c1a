/*
 * data/coco/evaluation/: average precision and recall of boxes and masks, equal to pycocotools: grouping, matching,
 * accumulating, summarising, and the text of the twelve numbers.
 * Not here: files (`data/coco`) and curves as pictures (`report/charts`).
 * Called by: detection's evaluator, `mae-tasks data evaluate`, and scripts.
 */

import type { CocoAnnotations } from '../annotations.js';
import type { Detections } from '../detections.js';
import { accumulateCategory, type CurveArrays } from './evaluate-accumulate.js';
import { groupEntries, type EntryGroups } from './evaluate-groups.js';
import {
  checkedParameters,
  type EvaluationParameters,
  type EvaluationScope,
  type GroupPair,
} from './evaluation-parameters.js';
import { createMatcher } from './evaluate-match.js';
import { type CategoryScores, scoresByCategory, summarize } from './evaluate-summary.js';

export interface EvaluateOptions extends Partial<EvaluationParameters> {
  /** What is compared: boxes, or masks. */
  readonly type: 'bbox' | 'segm';
  /** Takes all categories for one. Default false. */
  readonly classAgnostic?: boolean;
  /** Only these pictures, by id. Default all of the annotation file. */
  readonly imageIds?: readonly number[];
  /** Only these categories, by id. Default all. */
  readonly categoryIds?: readonly number[];
}

export interface CocoEvaluation extends CurveArrays {
  readonly type: 'bbox' | 'segm';
  readonly classAgnostic: boolean;
  readonly parameters: EvaluationParameters;
  /** K entries; a single one named "all" when class-agnostic. */
  readonly categories: ReadonlyArray<{ readonly id: number; readonly name: string }>;
  /**
   * COCO's twelve numbers, −1 where nothing is defined: AP, AP50, AP75, AP small, medium, large; AR with 1, 10 and 100
   * detections, AR small, medium, large.
   */
  readonly stats: readonly number[];
  readonly perCategory: readonly CategoryScores[];
}

/**
 * COCO's detection scores, number for number as pycocotools' `COCOeval` computes them.
 *
 * @throws MaeError `CONFIG_INVALID` for empty or unordered parameters, `ANNOTATION_INVALID` for a mask of another size.
 */
export function evaluateCoco(
  annotations: CocoAnnotations,
  detections: Detections,
  options: EvaluateOptions,
): CocoEvaluation {
  const parameters = checkedParameters(options);
  const classAgnostic = options.classAgnostic ?? false;
  const scope = scopeOf(annotations, options);
  const numCategories = classAgnostic ? 1 : scope.categories.length;
  const truthGroups = groupEntries(annotations, scope, classAgnostic);
  const maxDetections = parameters.maxDetections.at(-1)!;
  const detectionGroups = groupEntries(detections, scope, classAgnostic, detections.scores, maxDetections);
  const curves = emptyCurves(parameters, numCategories);
  const matcher = createMatcher(annotations, detections, options.type, parameters);
  forEachCategory(truthGroups, detectionGroups, numCategories, (category, pairs) => {
    const outcome = matcher.match(truthGroups, detectionGroups, pairs);
    accumulateCategory(curves, parameters, numCategories, category, outcome);
  });
  const categories = classAgnostic
    ? [{ id: -1, name: 'all' }]
    : scope.categories.map((index) => annotations.categories[index]!);
  return {
    type: options.type,
    classAgnostic,
    parameters,
    categories,
    ...curves,
    stats: summarize(curves, parameters, numCategories),
    perCategory: scoresByCategory(curves, parameters, categories),
  };
}

function scopeOf(annotations: CocoAnnotations, { imageIds, categoryIds }: EvaluateOptions): EvaluationScope {
  const { images, categories } = annotations;
  const wantedImages = imageIds === undefined ? undefined : new Set(imageIds);
  const ordered = Array.from(images.ids, (id, index) => ({ id, index }))
    .filter(({ id }) => wantedImages === undefined || wantedImages.has(id))
    .sort((a, b) => a.id - b.id);
  const imageRanks = new Int32Array(images.size).fill(-1);
  ordered.forEach(({ index }, rank) => {
    imageRanks[index] = rank;
  });
  const wantedCategories = categoryIds === undefined ? undefined : new Set(categoryIds);
  const kept = [...categories.keys()].filter(
    (index) => wantedCategories === undefined || wantedCategories.has(categories[index]!.id),
  );
  const categoryRanks = new Int32Array(categories.length).fill(-1);
  kept.forEach((index, rank) => {
    categoryRanks[index] = rank;
  });
  return { imageRanks, numImages: ordered.length, categoryRanks, categories: kept };
}

/** Walks both lists of groups, which are ordered by category and picture, and pairs those of one picture. */
function forEachCategory(
  truths: EntryGroups,
  detections: EntryGroups,
  numCategories: number,
  visit: (category: number, pairs: readonly GroupPair[]) => void,
): void {
  let t = 0;
  let d = 0;
  for (let category = 0; category < numCategories; category++) {
    const pairs: GroupPair[] = [];
    for (;;) {
      const truthImage = truths.categories[t] === category ? truths.images[t]! : Infinity;
      const detectionImage = detections.categories[d] === category ? detections.images[d]! : Infinity;
      const image = Math.min(truthImage, detectionImage);
      if (image === Infinity) break;
      pairs.push({ truth: truthImage === image ? t++ : -1, detection: detectionImage === image ? d++ : -1 });
    }
    visit(category, pairs);
  }
}

function emptyCurves(parameters: EvaluationParameters, numCategories: number): CurveArrays {
  const perRecall =
    parameters.iouThresholds.length * numCategories * parameters.areaRanges.length * parameters.maxDetections.length;
  const size = perRecall * parameters.recallThresholds.length;
  return {
    precision: new Float64Array(size).fill(-1),
    scores: new Float64Array(size).fill(-1),
    recall: new Float64Array(perRecall).fill(-1),
  };
}
