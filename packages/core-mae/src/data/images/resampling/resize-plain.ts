import type { Image } from '../picture.js';
import { type Coefficients, WEIGHT_BITS } from './resize-coefficients.js';

const HALF = 1 << (WEIGHT_BITS - 1);

/**
 * The region `[left, left + columns) × [top, top + rows)` of a picture, resampled to `[height, width, C]`: first along
 * rows, then along columns, each rounded to 8 bits, in plain TypeScript. Coefficients count from the region's corner.
 */
export function resamplePlain(
  image: Image,
  left: number,
  top: number,
  horizontal: Coefficients,
  vertical: Coefficients,
): Uint8Array {
  const { channels } = image;
  const width = horizontal.starts.length;
  const height = vertical.starts.length;
  const { firstRow, numRows } = rowsNeeded(vertical);
  const narrowed = resampleRows(image, left, top + firstRow, numRows, horizontal);
  const stride = width * channels;
  const output = new Uint8Array(height * stride);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    const first = vertical.starts[y]! - firstRow;
    const count = vertical.counts[y]!;
    for (let tap = 0; tap < count; tap++) {
      const weight = vertical.weights[y * vertical.maxCount + tap]!;
      const from = (first + tap) * stride;
      for (let at = 0; at < stride; at++) sums[at] = sums[at]! + narrowed[from + at]! * weight;
    }
    const to = y * stride;
    for (let at = 0; at < stride; at++) output[to + at] = clip(sums[at]!);
  }
  return output;
}

/** Source rows that any output row reads. */
export function rowsNeeded({ starts, counts }: Coefficients): { firstRow: number; numRows: number } {
  const firstRow = starts[0]!;
  const last = starts.length - 1;
  return { firstRow, numRows: starts[last]! + counts[last]! - firstRow };
}

function resampleRows(image: Image, left: number, top: number, rows: number, coefficients: Coefficients): Uint8Array {
  const { data, channels } = image;
  const { starts, counts, weights, maxCount } = coefficients;
  const width = starts.length;
  const output = new Uint8Array(rows * width * channels);
  let to = 0;
  for (let row = 0; row < rows; row++) {
    const line = ((top + row) * image.width + left) * channels;
    for (let x = 0; x < width; x++) {
      const first = line + starts[x]! * channels;
      const count = counts[x]!;
      const weightAt = x * maxCount;
      for (let channel = 0; channel < channels; channel++) {
        let sum = HALF;
        let from = first + channel;
        for (let tap = 0; tap < count; tap++, from += channels)
          sum = (sum + data[from]! * weights[weightAt + tap]!) | 0;
        output[to++] = clip(sum);
      }
    }
  }
  return output;
}

function clip(sum: number): number {
  const value = sum >> WEIGHT_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
