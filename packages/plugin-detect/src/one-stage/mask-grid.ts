import type { MaskRegion } from '@mae-tasks/core-mae/task';

/** Square cells over a picture. */
export interface CellGrid {
  readonly height: number;
  readonly width: number;
  /** Side of a cell in pixels. */
  readonly stride: number;
}

/** An object's mask on a grid, and which cells count. */
export interface GriddedMask {
  /** `[h, w]`: the share of each cell's pixels that are the object's. */
  readonly shares: Float32Array;
  /** `[h, w]`: one over the number of cells that the box touches; 0 for the others. */
  readonly weights: Float32Array;
}

/** @param box `[x0, y0, x1, y1]` in pixels, within the grid */
export function maskOnGrid(mask: MaskRegion, box: ArrayLike<number>, { height, width, stride }: CellGrid): GriddedMask {
  const shares = new Float32Array(height * width);
  for (let y = 0; y < mask.height; y++) {
    const row = Math.floor((mask.top + y) / stride);
    if (row < 0 || row >= height) continue;
    for (let x = 0; x < mask.width; x++) {
      const column = Math.floor((mask.left + x) / stride);
      if (column < 0 || column >= width || mask.data[y * mask.width + x] === 0) continue;
      shares[row * width + column]! += 1 / (stride * stride);
    }
  }
  const [left, right] = touched(box[0]!, box[2]!, width, stride);
  const [top, bottom] = touched(box[1]!, box[3]!, height, stride);
  const weights = new Float32Array(height * width);
  const weight = 1 / ((right - left) * (bottom - top));
  for (let row = top; row < bottom; row++) weights.fill(weight, row * width + left, row * width + right);
  return { shares, weights };
}

/** The cells that an interval touches, at least one: the first, and the one after the last. */
function touched(from: number, to: number, size: number, stride: number): readonly [number, number] {
  const first = Math.min(Math.max(Math.floor(from / stride), 0), size - 1);
  return [first, Math.max(first + 1, Math.min(Math.ceil(to / stride), size))];
}
