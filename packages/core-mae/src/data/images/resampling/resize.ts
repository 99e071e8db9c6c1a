/*
 * data/images/resampling/: resizing as Pillow does it, bilinear and bicubic with antialiasing, in SIMD and in plain
 * TypeScript, and the geometry (crop, size, flip) that pictures and their targets share.
 * Not here: choosing sizes: transforms do.
 * Called by: `data/transforms` for pictures, `data/targets` for boxes, masks and label maps.
 */

import type { Box, Filter } from '../../../contracts/transform.js';
import { crop, mirror } from '../crop.js';
import type { Image } from '../picture.js';
import { mirrored, resampleCoefficients } from './resize-coefficients.js';
import { resamplePlain } from './resize-plain.js';
import { createSimdResampler, type Resample } from './resize-simd.js';

export interface ResizeOptions {
  readonly width: number;
  readonly height: number;
  /** Default `bicubic`. */
  readonly filter?: Filter;
  /** Part of the picture that is resized, `[x0, y0, x1, y1]`, fractional allowed. Default the whole. */
  readonly box?: Box;
  /** Whether the result is mirrored left to right. Default false. */
  readonly flip?: boolean;
}

/**
 * The picture, or a box of it, resampled to `[height, width, C]` with antialiasing, equal to Pillow's
 * `image.crop(box).resize((width, height))`. Of a fractional box, pixels within its outer whole-pixel bounds are read.
 * Where nothing changes the same pixels are returned, not a copy.
 *
 * @throws RangeError where the box is empty or leaves the picture, or a size is not a whole number ≥ 1
 */
export function resize(image: Image, options: ResizeOptions): Image {
  const { width, height, filter = 'bicubic', box = [0, 0, image.width, image.height], flip = false } = options;
  checkBox(image, box);
  if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1)) {
    throw new RangeError(
      `A picture cannot be resized to ${width} × ${height}: both must be whole numbers of at least 1.`,
    );
  }
  const [x0, y0, x1, y1] = box;
  const left = Math.floor(x0);
  const top = Math.floor(y0);
  if (width === x1 - x0 && height === y1 - y0 && left === x0 && top === y0) {
    const cut = crop(image, box);
    return flip ? mirror(cut) : cut;
  }
  const rowCoefficients = resampleCoefficients(Math.ceil(x1) - left, x0 - left, x1 - left, width, filter);
  const horizontal = flip ? mirrored(rowCoefficients) : rowCoefficients;
  const vertical = resampleCoefficients(Math.ceil(y1) - top, y0 - top, y1 - top, height, filter);
  const data = resamplerFor(image.channels)(image, left, top, horizontal, vertical);
  return { data, width, height, channels: image.channels };
}

/** Made at the first use; null where the machine has no SIMD. */
let simd: Resample | null | undefined;

function resamplerFor(channels: number): Resample {
  if (simd === undefined) simd = createSimdResampler() ?? null;
  return simd === null || channels > 4 ? resamplePlain : simd;
}

function checkBox({ width, height }: Image, [x0, y0, x1, y1]: Box): void {
  if (x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1 && x1 <= width && y1 <= height) return;
  throw new RangeError(`The box [${x0}, ${y0}, ${x1}, ${y1}] is empty or leaves the picture of ${width} × ${height}.`);
}
