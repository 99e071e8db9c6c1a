import type { EvaluationScope } from './evaluation-parameters.js';

/** Entries (ground truths or detections) that share a category and a picture. */
export interface EntryGroups {
  /** Entries in order of category and picture (of picture alone when class-agnostic). */
  readonly entries: Int32Array;
  /** Group g owns `entries[starts[g] … starts[g + 1]]`. */
  readonly starts: Int32Array;
  /** The category's rank by group; 0 when class-agnostic. */
  readonly categories: Int32Array;
  /** The picture's rank by group. */
  readonly images: Int32Array;
}

interface Entries {
  readonly size: number;
  readonly imageIndexes: Int32Array;
  readonly categoryIndexes: Int32Array;
}

/**
 * Entries grouped for evaluation. Within a group they keep the file's order (when class-agnostic, that of categories
 * first); with `scores`, they are then ordered by falling score, equal scores staying as they were, and cut to `limit`.
 */
export function groupEntries(
  { size, imageIndexes, categoryIndexes }: Entries,
  { imageRanks, numImages, categoryRanks, categories }: EvaluationScope,
  classAgnostic: boolean,
  scores?: Float64Array,
  limit = Infinity,
): EntryGroups {
  const images = new Int32Array(size);
  const classes = new Int32Array(size);
  const kept = new Int32Array(size);
  let numKept = 0;
  for (let entry = 0; entry < size; entry++) {
    const image = imageIndexes[entry]!;
    const category = categoryIndexes[entry]!;
    if (image < 0 || category < 0 || imageRanks[image]! < 0 || categoryRanks[category]! < 0) continue;
    images[entry] = imageRanks[image]!;
    classes[entry] = categoryRanks[category]!;
    kept[numKept++] = entry;
  }
  const byClass = (order: Int32Array): Int32Array => countingSort(order, classes, categories.length);
  const byImage = (order: Int32Array): Int32Array => countingSort(order, images, numImages);
  const selected = kept.subarray(0, numKept);
  const order = classAgnostic ? byImage(byClass(selected)) : byClass(byImage(selected));

  const entries = new Int32Array(numKept);
  const starts: number[] = [0];
  const groupClasses: number[] = [];
  const groupImages: number[] = [];
  let length = 0;
  for (let start = 0; start < numKept;) {
    const first = order[start]!;
    let end = start + 1;
    while (
      end < numKept &&
      images[order[end]!] === images[first] &&
      (classAgnostic || classes[order[end]!] === classes[first])
    ) {
      end++;
    }
    if (scores !== undefined) sortByFallingScore(order, start, end, scores);
    const last = Math.min(end, start + limit);
    for (let at = start; at < last; at++) entries[length++] = order[at]!;
    starts.push(length);
    groupClasses.push(classAgnostic ? 0 : classes[first]!);
    groupImages.push(images[first]!);
    start = end;
  }
  return {
    entries: entries.subarray(0, length),
    starts: Int32Array.from(starts),
    categories: Int32Array.from(groupClasses),
    images: Int32Array.from(groupImages),
  };
}

/** The entries ordered by key, those of one key as they were. */
function countingSort(entries: Int32Array, keys: Int32Array, numKeys: number): Int32Array {
  const starts = new Int32Array(numKeys + 1);
  for (const entry of entries) starts[keys[entry]! + 1]!++;
  for (let key = 0; key < numKeys; key++) starts[key + 1]! += starts[key]!;
  const sorted = new Int32Array(entries.length);
  for (const entry of entries) sorted[starts[keys[entry]!]!++] = entry;
  return sorted;
}

/** Sorts `order[start … end]` by falling score in place; equal scores keep their order, as in numpy's mergesort. */
export function sortByFallingScore(order: Int32Array, start: number, end: number, scores: Float64Array): void {
  const numEntries = end - start;
  const width = 16;
  for (let from = start; from < end; from += width) {
    const to = Math.min(end, from + width);
    for (let i = from + 1; i < to; i++) {
      const entry = order[i]!;
      const score = scores[entry]!;
      let j = i - 1;
      for (; j >= from && scores[order[j]!]! < score; j--) order[j + 1] = order[j]!;
      order[j + 1] = entry;
    }
  }
  if (numEntries <= width) return;
  let source = order.slice(start, end);
  let target = new Int32Array(numEntries);
  for (let run = width; run < numEntries; run *= 2) {
    for (let from = 0; from < numEntries; from += 2 * run) {
      const middle = Math.min(numEntries, from + run);
      const to = Math.min(numEntries, from + 2 * run);
      let left = from;
      let right = middle;
      for (let at = from; at < to; at++) {
        const takesRight = right < to && (left >= middle || scores[source[right]!]! > scores[source[left]!]!);
        target[at] = takesRight ? source[right++]! : source[left++]!;
      }
    }
    [source, target] = [target, source];
  }
  order.set(source, start);
}
