import { annotationRle, type CocoAnnotations } from '../annotations.js';
import type { Detections } from '../detections.js';
import type { EntryGroups } from './evaluate-groups.js';
import type { EvaluationParameters, GroupPair } from './evaluation-parameters.js';
import { type MaskOutline, outlineOf, pairBoxIou, pairMaskIou } from '../../masks/overlap.js';
import { boxToRle } from '../../masks/polygon.js';
import type { Rle } from '../../masks/rle.js';
import { NO_SEGMENTATION, rleAt } from '../../masks/segmentation.js';
import { smallest } from '../../../base/long-lists.js';

export const FALSE_POSITIVE = 0;
export const TRUE_POSITIVE = 1;
/** Matched with a crowd or an object outside the area range, or unmatched and itself outside: not counted. */
const IGNORED = 2;

/** What became of one category's N detections. */
export interface CategoryOutcome {
  readonly numDetections: number;
  readonly scores: Float64Array;
  /** A detection's place in its picture, 0 for the highest score. */
  readonly ranks: Int32Array;
  /** `[A, T, N]`: `FALSE_POSITIVE`, `TRUE_POSITIVE` or `IGNORED` by area range and IoU threshold. */
  readonly statuses: Uint8Array;
  /** Ground truths that count, by area range. */
  readonly numTruths: Int32Array;
  /** Whether the category occurs at all, in the ground truth or in a detection. */
  readonly occurs: boolean;
}

export interface Matcher {
  match(truths: EntryGroups, detections: EntryGroups, pairs: readonly GroupPair[]): CategoryOutcome;
}

/** Even a threshold of 1 is met by overlaps this close to it (pycocotools, `COCOeval.evaluateImg`). */
const HIGHEST_THRESHOLD = 1 - 1e-10;

/** The matching of `COCOeval.evaluateImg`: greedily by falling score, each picture and category on its own. */
export function createMatcher(
  annotations: CocoAnnotations,
  detections: Detections,
  type: 'bbox' | 'segm',
  { iouThresholds, areaRanges }: EvaluationParameters,
): Matcher {
  const thresholds = Float64Array.from(iouThresholds, (threshold) => Math.min(threshold, HIGHEST_THRESHOLD));
  const lowest = smallest(thresholds);
  const overlapsOf = type === 'bbox' ? boxOverlaps(annotations, detections) : maskOverlaps(annotations, detections);

  return {
    match(truths, groups, pairs) {
      let numDetections = 0;
      for (const { detection } of pairs) {
        if (detection >= 0) numDetections += groups.starts[detection + 1]! - groups.starts[detection]!;
      }
      const outcome: CategoryOutcome = {
        numDetections,
        scores: new Float64Array(numDetections),
        ranks: new Int32Array(numDetections),
        statuses: new Uint8Array(areaRanges.length * thresholds.length * numDetections),
        numTruths: new Int32Array(areaRanges.length),
        occurs: pairs.length > 0,
      };
      let offset = 0;
      for (const { truth, detection } of pairs) {
        const truthEntries = truth < 0 ? NOTHING : entriesOf(truths, truth);
        const detectionEntries = detection < 0 ? NOTHING : entriesOf(groups, detection);
        for (let d = 0; d < detectionEntries.length; d++) {
          outcome.scores[offset + d] = detections.scores[detectionEntries[d]!]!;
          outcome.ranks[offset + d] = d;
        }
        const overlaps =
          truthEntries.length > 0 && detectionEntries.length > 0
            ? overlapsOf(detectionEntries, truthEntries, lowest)
            : undefined;
        matchImage(outcome, offset, detectionEntries, truthEntries, overlaps);
        offset += detectionEntries.length;
      }
      return outcome;
    },
  };

  function matchImage(
    { numDetections, statuses, numTruths }: CategoryOutcome,
    offset: number,
    detectionEntries: Int32Array,
    truthEntries: Int32Array,
    overlaps: CandidateOverlaps | undefined,
  ): void {
    const ignored = new Uint8Array(truthEntries.length);
    const taken = new Uint8Array(truthEntries.length);
    for (let area = 0; area < areaRanges.length; area++) {
      const { min, max } = areaRanges[area]!;
      for (let g = 0; g < truthEntries.length; g++) {
        const size = annotations.areas[truthEntries[g]!]!;
        ignored[g] = annotations.crowds[truthEntries[g]!] === 1 || size < min || size > max ? 1 : 0;
        if (ignored[g] === 0) numTruths[area]!++;
      }
      for (let t = 0; t < thresholds.length; t++) {
        const row = (area * thresholds.length + t) * numDetections + offset;
        taken.fill(0);
        for (let d = 0; d < detectionEntries.length; d++) {
          const match =
            overlaps === undefined ? -1 : bestTruth(overlaps, d, thresholds[t]!, truthEntries, ignored, taken);
          if (match >= 0) {
            taken[match] = 1;
            statuses[row + d] = ignored[match] === 1 ? IGNORED : TRUE_POSITIVE;
          } else {
            const size = detections.areas[detectionEntries[d]!]!;
            statuses[row + d] = size < min || size > max ? IGNORED : FALSE_POSITIVE;
          }
        }
      }
    }
  }

  /** The best free ground truth that counts, else the best that is ignored; the later of equals. −1 for none. */
  function bestTruth(
    { starts, truths, values }: CandidateOverlaps,
    d: number,
    threshold: number,
    truthEntries: Int32Array,
    ignored: Uint8Array,
    taken: Uint8Array,
  ): number {
    let best = threshold;
    let match = -1;
    let matchIgnored = -1;
    let bestIgnored = threshold;
    for (let at = starts[d]!; at < starts[d + 1]!; at++) {
      const g = truths[at]!;
      if (taken[g] === 1 && annotations.crowds[truthEntries[g]!] !== 1) continue;
      const overlap = values[at]!;
      if (ignored[g] === 0) {
        if (overlap >= best) {
          best = overlap;
          match = g;
        }
      } else if (overlap >= bestIgnored) {
        bestIgnored = overlap;
        matchIgnored = g;
      }
    }
    return match >= 0 ? match : matchIgnored;
  }
}

const NOTHING = new Int32Array(0);

/** Overlaps of at least the lowest threshold: detection d has those from `starts[d]` to `starts[d + 1]`. */
interface CandidateOverlaps {
  readonly starts: readonly number[];
  /** Positions in the picture's ground truths, ascending for each detection. */
  readonly truths: readonly number[];
  readonly values: readonly number[];
}

type Overlaps = (detections: Int32Array, truths: Int32Array, lowest: number) => CandidateOverlaps;

function entriesOf({ entries, starts }: EntryGroups, group: number): Int32Array {
  return entries.subarray(starts[group], starts[group + 1]);
}

function candidates(
  numDetections: number,
  numTruths: number,
  lowest: number,
  overlap: (d: number, g: number) => number,
): CandidateOverlaps {
  const starts = [0];
  const truths: number[] = [];
  const values: number[] = [];
  for (let d = 0; d < numDetections; d++) {
    for (let g = 0; g < numTruths; g++) {
      const value = overlap(d, g);
      if (value < lowest) continue;
      truths.push(g);
      values.push(value);
    }
    starts.push(truths.length);
  }
  return { starts, truths, values };
}

function boxOverlaps(annotations: CocoAnnotations, detections: Detections): Overlaps {
  return (detectionEntries, truthEntries, lowest) =>
    candidates(detectionEntries.length, truthEntries.length, lowest, (d, g) => {
      const truth = truthEntries[g]!;
      return pairBoxIou(
        detections.boxes,
        4 * detectionEntries[d]!,
        annotations.boxes,
        4 * truth,
        annotations.crowds[truth] === 1,
      );
    });
}

function maskOverlaps(annotations: CocoAnnotations, detections: Detections): Overlaps {
  const { heights, widths } = annotations.images;
  const detectionRle = (entry: number): Rle => {
    const image = detections.imageIndexes[entry]!;
    const height = heights[image]!;
    const width = widths[image]!;
    // A detection with a box alone is scored as the mask of its box, as in `COCO.loadRes`.
    return detections.segmentations.kinds[entry] === NO_SEGMENTATION
      ? boxToRle(boxAt(detections.boxes, entry), height, width)
      : rleAt(detections.segmentations, entry, height, width);
  };
  return (detectionEntries, truthEntries, lowest) => {
    const rows = Array.from(detectionEntries, (entry): MaskOutline => outlineOf(detectionRle(entry)));
    const columns = Array.from(truthEntries, (entry): MaskOutline => outlineOf(annotationRle(annotations, entry)));
    return candidates(rows.length, columns.length, lowest, (d, g) =>
      pairMaskIou(rows[d]!, columns[g]!, annotations.crowds[truthEntries[g]!] === 1),
    );
  };
}

function boxAt(boxes: Float64Array, entry: number): [number, number, number, number] {
  return [boxes[4 * entry]!, boxes[4 * entry + 1]!, boxes[4 * entry + 2]!, boxes[4 * entry + 3]!];
}
