import * as tf from '@tensorflow/tfjs';

/** A constant matrix `[rows, columns]` that one axis of a picture is multiplied by, row-major. */
export interface AxisMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/**
 * A linear map of the rows and one of the columns of pictures: `[B, H, W, C]` → `[B, H', W', C]`. Resizing and pooling
 * are such maps. As products with constants their gradients are exact on every engine, and nothing is scattered.
 *
 * @param vertical `[H', H]`; undefined leaves the rows
 * @param horizontal `[W', W]`; undefined leaves the columns
 */
export function applyAxisMatrices(
  x: tf.Tensor4D,
  vertical: AxisMatrix | undefined,
  horizontal: AxisMatrix | undefined,
): tf.Tensor4D {
  const [batchSize, height, width, channels] = x.shape;
  let rows = tf.reshape<tf.Rank.R3>(x, [batchSize, height, width * channels]);
  if (vertical !== undefined) rows = tf.matMul(constant(vertical), rows);
  const newHeight = vertical?.rows ?? height;
  if (horizontal === undefined) return tf.reshape(rows, [batchSize, newHeight, width, channels]);
  const columns = tf.reshape<tf.Rank.R3>(rows, [batchSize * newHeight, width, channels]);
  const mapped = tf.matMul(constant(horizontal), columns);
  return tf.reshape(mapped, [batchSize, newHeight, horizontal.rows, channels]);
}

/** `[1, rows, columns]`, which broadcasts over a stack. */
function constant({ data, rows, columns }: AxisMatrix): tf.Tensor3D {
  return tf.tensor3d(data, [1, rows, columns]);
}
