import { requireSameSize, rleArea, rleToBox, type Rle } from './rle.js';

/**
 * Intersection over union of boxes: `[D, G]`, row by detection. Against a crowd it is the intersection over the
 * detection's own area (cocoapi, common/maskApi.c, `bbIou`).
 *
 * @param detections `[D, 4]` and `truths` `[G, 4]`: boxes `[x, y, width, height]` in absolute pixels
 * @param crowds `[G]`: 1 where the ground truth is a crowd
 */
export function boxIou(detections: Float64Array, truths: Float64Array, crowds: Uint8Array): Float64Array {
  const numDetections = detections.length / 4;
  const numTruths = truths.length / 4;
  const overlaps = new Float64Array(numDetections * numTruths);
  for (let d = 0; d < numDetections; d++) {
    for (let g = 0; g < numTruths; g++) {
      overlaps[d * numTruths + g] = pairBoxIou(detections, 4 * d, truths, 4 * g, crowds[g] === 1);
    }
  }
  return overlaps;
}

/** The overlap of one pair of boxes that lie in larger arrays, from `d` and `g` on. */
export function pairBoxIou(
  detections: Float64Array,
  d: number,
  truths: Float64Array,
  g: number,
  againstCrowd: boolean,
): number {
  const dx = detections[d]!;
  const gx = truths[g]!;
  const dw = detections[d + 2]!;
  const gw = truths[g + 2]!;
  const width = Math.min(dw + dx, gw + gx) - Math.max(dx, gx);
  if (!(width > 0)) return 0;
  const dy = detections[d + 1]!;
  const gy = truths[g + 1]!;
  const dh = detections[d + 3]!;
  const gh = truths[g + 3]!;
  const height = Math.min(dh + dy, gh + gy) - Math.max(dy, gy);
  if (!(height > 0)) return 0;
  const intersection = width * height;
  return intersection / (againstCrowd ? dw * dh : dw * dh + gw * gh - intersection);
}

/** A mask made ready to be compared with many others. */
export interface MaskOutline {
  readonly rle: Rle;
  /** Where each run ends; foreground lies between entries 2i and 2i + 1. */
  readonly ends: Uint32Array;
  readonly area: number;
  /** `[x, y, width, height]` */
  readonly box: Float64Array;
}

export function outlineOf(rle: Rle): MaskOutline {
  const { counts } = rle;
  const ends = new Uint32Array(counts.length);
  let position = 0;
  for (let run = 0; run < counts.length; run++) {
    position += counts[run]!;
    ends[run] = position;
  }
  return { rle, ends, area: rleArea(rle), box: Float64Array.from(rleToBox(rle)) };
}

/**
 * Intersection over union of masks: `[D, G]`, row by detection, against a crowd over the detection's area
 * (cocoapi, common/maskApi.c, `rleIou`).
 *
 * @throws MaeError `SHAPE_MISMATCH` for masks of several sizes.
 */
export function maskIou(detections: readonly Rle[], truths: readonly Rle[], crowds: Uint8Array): Float64Array {
  const rows = detections.map(outlineOf);
  const columns = truths.map(outlineOf);
  const overlaps = new Float64Array(rows.length * columns.length);
  for (let d = 0; d < rows.length; d++) {
    for (let g = 0; g < columns.length; g++) {
      overlaps[d * columns.length + g] = pairMaskIou(rows[d]!, columns[g]!, crowds[g] === 1);
    }
  }
  return overlaps;
}

export function pairMaskIou(detection: MaskOutline, truth: MaskOutline, againstCrowd: boolean): number {
  requireSameSize(detection.rle, truth.rle);
  // Most pairs of a picture are far apart: their boxes decide without a walk over the runs.
  if (pairBoxIou(detection.box, 0, truth.box, 0, againstCrowd) === 0) return 0;
  const intersection = sharedPixels(detection.ends, truth.ends);
  if (intersection === 0) return 0;
  return intersection / (againstCrowd ? detection.area : detection.area + truth.area - intersection);
}

function sharedPixels(a: Uint32Array, b: Uint32Array): number {
  const lastA = a.length - 1;
  const lastB = b.length - 1;
  let i = 0;
  let j = 0;
  let shared = 0;
  while (i < lastA && j < lastB) {
    const endA = a[i + 1]!;
    const endB = b[j + 1]!;
    const startA = a[i]!;
    const startB = b[j]!;
    const start = startA > startB ? startA : startB;
    if (endA < endB) {
      if (endA > start) shared += endA - start;
      i += 2;
    } else {
      if (endB > start) shared += endB - start;
      j += 2;
    }
  }
  return shared;
}
