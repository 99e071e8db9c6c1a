/*
 * data/masks/: binary masks without pixels: run lengths (this file) and their strings, polygons, overlaps, outlines,
 * and a pool that keeps a whole data set's masks in a few arrays.
 * Not here: files and classes; a mask knows neither.
 * Called by: `data/coco`, `data/targets`, the readers, and the detection plugin.
 */

import { describeValue } from '../../base/describe-value.js';
import { MaeError } from '../../base/errors.js';

/**
 * A binary mask as alternating run lengths down its columns (column-major, background first), as COCO stores masks.
 * The first run may be 0; the runs sum to height · width.
 */
export interface Rle {
  readonly height: number;
  readonly width: number;
  readonly counts: Uint32Array;
}

/** The largest picture a mask may have, in pixels: twice Pillow's warning limit, as for pictures. */
export const MAX_MASK_PIXELS = 2 * 89_478_485;

/** The runs of a mask. @param mask row-major `[H, W]`; any value but 0 is foreground. */
export function encodeRle(mask: Uint8Array, height: number, width: number): Rle {
  if (mask.length !== height * width) {
    throw new MaeError('SHAPE_MISMATCH', {
      what: `A mask of ${mask.length} values cannot be ${height} × ${width}`,
      fix: 'give height · width values',
    });
  }
  let counts = new Uint32Array(256);
  let length = 0;
  let previous = 0;
  let run = 0;
  for (let x = 0; x < width; x++) {
    for (let at = x; at < mask.length; at += width) {
      const value = mask[at] === 0 ? 0 : 1;
      if (value !== previous) {
        if (length + 1 >= counts.length) counts = grown(counts);
        counts[length++] = run;
        run = 0;
        previous = value;
      }
      run++;
    }
  }
  counts[length++] = run;
  return { height, width, counts: counts.slice(0, length) };
}

/** The mask of runs: row-major `[H, W]`, 0 and 1. */
export function decodeRle({ height, width, counts }: Rle): Uint8Array {
  const mask = new Uint8Array(height * width);
  let position = 0;
  for (let run = 0; run < counts.length; run++) {
    const end = position + counts[run]!;
    if (run % 2 === 1 && height > 0) {
      let x = Math.floor(position / height);
      let y = position - x * height;
      for (let i = position; i < end; i++) {
        mask[y * width + x] = 1;
        if (++y === height) {
          y = 0;
          x++;
        }
      }
    }
    position = end;
  }
  return mask;
}

/** Number of foreground pixels. */
export function rleArea({ counts }: Rle): number {
  let area = 0;
  for (let run = 1; run < counts.length; run += 2) area += counts[run]!;
  return area;
}

/** The tight box `[x, y, width, height]` of the foreground, in pixels; four zeros for an empty mask. */
export function rleToBox({ height, width, counts }: Rle): [number, number, number, number] {
  let left = width;
  let top = height;
  let right = -1;
  let bottom = -1;
  let position = 0;
  for (let run = 0; run + 1 < counts.length; run += 2) {
    const start = position + counts[run]!;
    position = start + counts[run + 1]!;
    if (position === start) continue;
    const firstX = Math.floor(start / height);
    const lastX = Math.floor((position - 1) / height);
    left = Math.min(left, firstX);
    right = Math.max(right, lastX);
    if (lastX > firstX) {
      top = 0;
      bottom = height - 1;
    } else {
      top = Math.min(top, start - firstX * height);
      bottom = Math.max(bottom, position - 1 - lastX * height);
    }
  }
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}

/**
 * The union or intersection of masks of one size; a single mask comes back as it is.
 *
 * @throws MaeError `SHAPE_MISMATCH` for masks of several sizes, or none.
 */
export function mergeRles(masks: readonly Rle[], operation: 'union' | 'intersection'): Rle {
  const first = masks[0];
  if (first === undefined) {
    throw new MaeError('SHAPE_MISMATCH', { what: 'No masks to merge', fix: 'give at least one' });
  }
  return masks.slice(1).reduce((merged, mask) => mergePair(merged, mask, operation === 'union' ? 1 : 2), first);
}

/** @param needed how many of the two must be foreground. */
function mergePair(left: Rle, right: Rle, needed: 1 | 2): Rle {
  requireSameSize(left, right);
  const a = left.counts;
  const b = right.counts;
  const counts = new Uint32Array(a.length + b.length + 1);
  let length = 0;
  let i = 0;
  let j = 0;
  let restA = a[0] ?? 0;
  let restB = b[0] ?? 0;
  let value = false;
  let run = 0;
  for (;;) {
    // A zero run changes the side's colour without covering a pixel.
    while (restA === 0 && i + 1 < a.length) restA = a[++i]!;
    while (restB === 0 && j + 1 < b.length) restB = b[++j]!;
    const step = Math.min(restA, restB);
    if (step === 0) break;
    const next = (i & 1) + (j & 1) >= needed;
    if (next !== value) {
      counts[length++] = run;
      run = 0;
      value = next;
    }
    run += step;
    restA -= step;
    restB -= step;
  }
  counts[length++] = run;
  return { height: left.height, width: left.width, counts: counts.slice(0, length) };
}

/** @throws MaeError `SHAPE_MISMATCH` naming both sizes. */
export function requireSameSize(a: Rle, b: Rle): void {
  if (a.height !== b.height || a.width !== b.width) {
    throw new MaeError('SHAPE_MISMATCH', {
      what: `Masks of ${a.height} × ${a.width} and ${b.height} × ${b.width} cannot be compared or merged`,
      fix: 'masks of one picture have its height and width',
    });
  }
}

/** A mask without foreground. */
export function emptyRle(height: number, width: number): Rle {
  return { height, width, counts: Uint32Array.of(height * width) };
}

/** A mask from uncompressed counts, as crowd annotations have them. @throws MaeError `ANNOTATION_INVALID` */
export function rleFromCounts(counts: ArrayLike<number>, height: number, width: number): Rle {
  requireMaskSize(height, width);
  const runs = new Uint32Array(counts.length);
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (!Number.isInteger(count) || count < 0) {
      throw invalidRle(`count ${i} is ${describeValue(count)}`, 'counts are whole numbers from 0');
    }
    runs[i] = count;
    sum += count;
  }
  requireSum(sum, height, width);
  return { height, width, counts: runs };
}

/** @throws MaeError `ANNOTATION_INVALID` */
export function requireMaskSize(height: number, width: number): void {
  if (!Number.isInteger(height) || !Number.isInteger(width) || height < 0 || width < 0) {
    throw invalidRle(`its size is [${height}, ${width}]`, 'size is [height, width] in whole pixels');
  }
  if (height * width > MAX_MASK_PIXELS) {
    throw invalidRle(`its size [${height}, ${width}] exceeds ${MAX_MASK_PIXELS} pixels`, 'check the size');
  }
}

export function requireSum(sum: number, height: number, width: number): void {
  if (sum !== height * width) {
    throw invalidRle(
      `its counts sum to ${sum}, not to height · width (${height} · ${width} = ${height * width})`,
      'encode the mask again at the size of its picture',
    );
  }
}

export function invalidRle(problem: string, fix: string): MaeError {
  return new MaeError('ANNOTATION_INVALID', { what: `The RLE mask is broken: ${problem}`, fix });
}

function grown(counts: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(counts.length * 2);
  larger.set(counts);
  return larger;
}
