import type { Shape } from '../contracts/tensor.js';
import { type GridSize, interpolateBicubic } from '../nn/interpolate-bicubic.js';
import { interpolateLinear } from '../nn/interpolate-linear.js';

/**
 * A table of positions for another grid of patches, `target`; undefined if it already fits, or cannot be made to fit:
 * other widths, or a number of rows that matches no grid. Rows before the grid (the class token) are kept as they are;
 * the rest is interpolated bicubically, as the official fine-tuning code does (util/pos_embed.py,
 * `interpolate_pos_embed`), which knows only square grids.
 *
 * @param values `[1, T + from.height · from.width, D]` with T leading tokens
 * @param target `[1, T + to.height · to.width, D]`
 * @param grids default: square, found from the number of rows, with or without a class token
 */
export function resizePositions(
  values: Float32Array,
  stored: Shape,
  target: Shape,
  grids: { readonly from?: GridSize; readonly to?: GridSize } = {},
): Float32Array | undefined {
  const [storedBatch, storedRows, width] = stored;
  const [targetBatch, targetRows, targetWidth] = target;
  if (stored.length !== 3 || target.length !== 3 || storedBatch !== 1 || targetBatch !== 1) return undefined;
  if (storedRows === undefined || targetRows === undefined || width === undefined || width !== targetWidth) {
    return undefined;
  }
  const to = grids.to ?? squareGrid(targetRows);
  if (to === undefined) return undefined;
  const tokens = targetRows - to.height * to.width;
  const from = grids.from ?? squareOf(storedRows - tokens);
  if (from === undefined || tokens < 0 || storedRows - tokens !== from.height * from.width) return undefined;
  if (from.height === to.height && from.width === to.width) return undefined;

  const kept = values.subarray(0, tokens * width);
  const result = new Float32Array(targetRows * width);
  result.set(kept);
  result.set(interpolateBicubic(values.subarray(kept.length), from, to), kept.length);
  return result;
}

/** Tables of relative positions, `[2 · side − 1, d]`: detectron2's `rel_pos_h` and `rel_pos_w`. */
const RELATIVE = /(?:^|\.)rel_pos_[hw]$/;

/** A table of relative positions for another side; undefined for any other parameter, and for other widths. */
export function resizeRelativePositions(
  name: string,
  values: () => Float32Array,
  stored: Shape,
  target: Shape,
): Float32Array | undefined {
  if (!RELATIVE.test(name) || stored.length !== 2 || target.length !== 2) return undefined;
  if (stored[1] !== target[1] || stored[0] === target[0]) return undefined;
  return interpolateLinear(values(), stored[0]!, target[0]!);
}

/** The square grid of a table with one class token, or without one. */
function squareGrid(rows: number): GridSize | undefined {
  return squareOf(rows - 1) ?? squareOf(rows);
}

function squareOf(cells: number): GridSize | undefined {
  const side = Math.round(Math.sqrt(cells));
  return cells > 0 && side * side === cells ? { height: side, width: side } : undefined;
}
