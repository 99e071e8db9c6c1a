import * as tf from '@tensorflow/tfjs';
import type { GridSize } from '../nn/interpolate-bicubic.js';

/** Windows along each axis of a grid, the last ones reaching beyond it where the size does not divide. */
function windowCounts({ height, width }: GridSize, windowSize: number): GridSize {
  return { height: Math.ceil(height / windowSize), width: Math.ceil(width / windowSize) };
}

/**
 * A grid of tokens cut into windows that become further pictures, with zeros beyond the grid's bottom and right:
 * `[H·W, B, D]` → `[S·S, windows·B, D]` (detectron2's `window_partition`).
 */
export function partitionWindows(x: tf.Tensor3D, { height, width }: GridSize, windowSize: number): tf.Tensor3D {
  const [, batchSize, embedDim] = x.shape;
  const { height: rows, width: columns } = windowCounts({ height, width }, windowSize);
  const grid = tf.reshape<tf.Rank.R4>(x, [height, width, batchSize, embedDim]);
  const padded = tf.pad(grid, [
    [0, rows * windowSize - height],
    [0, columns * windowSize - width],
    [0, 0],
    [0, 0],
  ]);
  const split = tf.reshape(padded, [rows, windowSize, columns, windowSize, batchSize * embedDim]);
  const windows = tf.transpose(split, [1, 3, 0, 2, 4]); // [S, S, rows, columns, B·D]
  return tf.reshape(windows, [windowSize * windowSize, rows * columns * batchSize, embedDim]);
}

/** The inverse of {@link partitionWindows}: `[S·S, windows·B, D]` → `[H·W, B, D]`, what lay beyond the grid cut off. */
export function joinWindows(x: tf.Tensor3D, { height, width }: GridSize, windowSize: number): tf.Tensor3D {
  const { height: rows, width: columns } = windowCounts({ height, width }, windowSize);
  const [, numPictures, embedDim] = x.shape;
  const batchSize = numPictures / (rows * columns);
  const windows = tf.reshape(x, [windowSize, windowSize, rows, columns, batchSize * embedDim]);
  const padded = tf.reshape<tf.Rank.R3>(tf.transpose(windows, [2, 0, 3, 1, 4]), [
    rows * windowSize,
    columns * windowSize,
    batchSize * embedDim,
  ]);
  const grid = tf.slice(padded, [0, 0, 0], [height, width, batchSize * embedDim]);
  return tf.reshape(grid, [height * width, batchSize, embedDim]);
}
