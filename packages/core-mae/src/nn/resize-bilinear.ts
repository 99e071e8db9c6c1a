import type * as tf from '@tensorflow/tfjs';
import { applyAxisMatrices, type AxisMatrix } from './axis-matrices.js';
import type { GridSize } from './interpolate-bicubic.js';

export interface ResizeBilinearOptions {
  /** Whether the centres of the corner pixels stay in place, rather than the borders of the picture. Default false. */
  readonly alignCorners?: boolean;
}

/**
 * Pictures of another size, without antialiasing: `[B, H, W, C]` → `[B, to.height, to.width, C]`
 * (`torch.nn.functional.interpolate(mode='bilinear')`).
 */
export function resizeBilinear(
  x: tf.Tensor4D,
  to: GridSize,
  { alignCorners = false }: ResizeBilinearOptions = {},
): tf.Tensor4D {
  const [, height, width] = x.shape;
  return applyAxisMatrices(
    x,
    height === to.height ? undefined : interpolationMatrix(height, to.height, alignCorners),
    width === to.width ? undefined : interpolationMatrix(width, to.width, alignCorners),
  );
}

function interpolationMatrix(from: number, to: number, alignCorners: boolean): AxisMatrix {
  const data = new Float32Array(to * from);
  for (let row = 0; row < to; row++) {
    const source = alignCorners
      ? to === 1
        ? 0
        : (row * (from - 1)) / (to - 1)
      : Math.max(0, ((row + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(source), from - 1);
    const high = Math.min(low + 1, from - 1);
    const weight = source - low;
    data[row * from + low]! += 1 - weight;
    data[row * from + high]! += weight;
  }
  return { rows: to, columns: from, data };
}
