import type { MaskRegion } from '@mae-tasks/core-mae/task';
import { type Axis, createAxis, sampleAxis } from '../pooling/region-axis.js';

/**
 * Writes a mask as a box sees it on a grid of S × S cells: 1 where the mean of the mask over the cell is a half or more
 * (detectron2's `BitMasks.crop_and_resize`).
 *
 * @param picture the size of the picture that the mask belongs to
 * @param out `[S, S]` from `at` on
 */
export function writeMaskTarget(
  mask: MaskRegion,
  picture: { readonly width: number; readonly height: number },
  boxes: Float32Array,
  box: number,
  out: { readonly data: Float32Array; readonly at: number; readonly size: number },
): void {
  const [across, down] = [createAxis(out.size), createAxis(out.size)];
  const sampling = { stride: 1, samplingRatio: 0 };
  sampleAxis(across, boxes[4 * box]!, boxes[4 * box + 2]!, picture.width, sampling);
  sampleAxis(down, boxes[4 * box + 1]!, boxes[4 * box + 3]!, picture.height, sampling);
  const means = new Float64Array(out.size * out.size);
  for (let row = 0; row < down.numUsed; row++) {
    const y = down.first + row;
    if (y < mask.top || y >= mask.top + mask.height) continue;
    const mixed = mixRow(mask, y, across, out.size);
    for (let cell = 0; cell < out.size; cell++) {
      if (y < down.starts[cell]! || y >= down.ends[cell]!) continue;
      const weight = down.weights[cell * down.capacity + row]!;
      for (let i = 0; i < out.size; i++) means[cell * out.size + i]! += weight * mixed[i]!;
    }
  }
  // The mean of ones may fall short of itself by a rounding.
  for (let i = 0; i < means.length; i++) out.data[out.at + i] = means[i]! >= 0.5 - 1e-7 ? 1 : 0;
}

/** One row of the mask, mixed for each column of cells. */
function mixRow(mask: MaskRegion, y: number, across: Axis, size: number): Float64Array {
  const mixed = new Float64Array(size);
  const start = (y - mask.top) * mask.width - mask.left;
  for (let cell = 0; cell < size; cell++) {
    const from = Math.max(across.starts[cell]!, mask.left);
    const to = Math.min(across.ends[cell]!, mask.left + mask.width);
    for (let x = from; x < to; x++) {
      mixed[cell]! += across.weights[cell * across.capacity + x - across.first]! * mask.data[start + x]!;
    }
  }
  return mixed;
}
