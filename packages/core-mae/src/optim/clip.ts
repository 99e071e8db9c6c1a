import type { ParameterTree } from '../contracts/tensor.js';
import type { VectorKernels } from '../engine/kernels/vector-kernels.js';

/** The Euclidean norm of all gradients together. */
export function gradientNorm(kernels: VectorKernels, gradients: ParameterTree): number {
  let squares = 0;
  for (const { data } of gradients.values()) squares += kernels.sumOfSquares(data);
  return Math.sqrt(squares);
}

/** Scales gradients down so that their norm is at most `maxNorm` (as `torch.nn.utils.clip_grad_norm_`). */
export function clipGradients(kernels: VectorKernels, gradients: ParameterTree, norm: number, maxNorm: number): void {
  const factor = maxNorm / (norm + 1e-6);
  if (factor >= 1) return;
  for (const { data } of gradients.values()) kernels.scale(data, factor);
}
