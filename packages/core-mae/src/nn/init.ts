import { sizeOf } from '../contracts/tensor.js';
import type { Initializer } from '../contracts/parameters.js';

export const zeros: Initializer = (shape) => new Float32Array(sizeOf(shape));

export const ones: Initializer = (shape) => new Float32Array(sizeOf(shape)).fill(1);

/** Normal values of mean 0 and this standard deviation. */
export function normal(std: number): Initializer {
  return (shape, random) => Float32Array.from({ length: sizeOf(shape) }, () => std * random.normal());
}

/**
 * Normal values of mean 0, redrawn where they leave [−2, 2] (absolute bounds, as `torch.nn.init.trunc_normal_` and
 * timm define them: with std 0.02 nothing is ever cut).
 */
export function truncatedNormal(std: number): Initializer {
  return (shape, random) =>
    Float32Array.from({ length: sizeOf(shape) }, () => {
      for (;;) {
        const value = std * random.normal();
        if (Math.abs(value) <= 2) return value;
      }
    });
}

/**
 * Uniform values in ±√(6 / (fanIn + fanOut)), the tensor seen as a matrix `[shape[0], the rest]`: what the official MAE
 * code does to linear layers and to the patch embedding "like nn.Linear" (models_mae.py, `initialize_weights`).
 */
export const xavierUniform: Initializer = (shape, random) => {
  const fanOut = shape[0] ?? 1;
  const fanIn = sizeOf(shape) / fanOut;
  const bound = Math.sqrt(6 / (fanIn + fanOut));
  return Float32Array.from({ length: sizeOf(shape) }, () => (2 * random.uniform() - 1) * bound);
};

/** Always these values (copied), for fixed position tables. */
export function constant(values: Float32Array): Initializer {
  return () => values.slice();
}
