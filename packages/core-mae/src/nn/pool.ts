import * as tf from '@tensorflow/tfjs';
import { applyAxisMatrices, type AxisMatrix } from './axis-matrices.js';
import type { GridSize } from './interpolate-bicubic.js';

/**
 * Means over cells that divide pictures as evenly as whole pixels allow: `[B, H, W, C]` → `[B, to.height, to.width, C]`.
 * Neighbouring cells share pixels where sizes do not divide (`torch.nn.AdaptiveAvgPool2d`).
 */
export function adaptiveAveragePool(x: tf.Tensor4D, to: GridSize): tf.Tensor4D {
  const [, height, width] = x.shape;
  return applyAxisMatrices(
    x,
    height === to.height ? undefined : averagingMatrix(height, to.height),
    width === to.width ? undefined : averagingMatrix(width, to.width),
  );
}

function averagingMatrix(from: number, to: number): AxisMatrix {
  const data = new Float32Array(to * from);
  for (let cell = 0; cell < to; cell++) {
    const [start, end] = [Math.floor((cell * from) / to), Math.ceil(((cell + 1) * from) / to)];
    data.fill(1 / (end - start), cell * from + start, cell * from + end);
  }
  return { rows: to, columns: from, data };
}

/** The largest of every `size` × `size` pixels, without overlap; a rest is left out: `[B, H, W, C]` → `[B, ⌊H/size⌋, ⌊W/size⌋, C]`. */
export function maxPool(x: tf.Tensor4D, size: number): tf.Tensor4D {
  return tf.maxPool(x, size, size, 'valid');
}
