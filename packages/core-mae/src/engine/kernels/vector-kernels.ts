/*
 * engine/kernels/: arithmetic over whole parameters, in place: AdamW, LARS, sums, norms; as WebAssembly with SIMD and
 * as plain TypeScript that gives the same bits. `select` chooses.
 * Not here: which parameters are decayed, and learning rates: `optim/`.
 * Called by: `optim/` and the training loop.
 */

/** One step of AdamW as PyTorch defines it: decoupled decay, bias correction, `eps` outside the corrected root. */
export interface AdamwStep {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Counts from 1; corrects the moments' bias towards zero. */
  readonly step: number;
}

/** One step of LARS (You et al. 2017) as in the official MAE code. */
export interface LarsStep {
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Scales the update to this share of the parameter's norm; absent, the step is plain SGD with momentum. */
  readonly trustCoefficient?: number | undefined;
}

/**
 * What optimizers do to whole parameters, in place, in float32. Every implementation gives the same bits: each
 * operation is rounded to float32, in the order written here, and scalars are computed in float64 and rounded once.
 * All arrays of one call have the same length.
 */
export interface VectorKernels {
  /**
   * `p −= lr·wd·p`; `m += (1−β₁)(g−m)`; `v = β₂v + (1−β₂)g²`; `p −= lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + eps)`.
   */
  adamw(parameter: Float32Array, gradient: Float32Array, m: Float32Array, v: Float32Array, step: AdamwStep): void;
  /**
   * `d = g + wd·p`; `d *= trust·‖p‖/‖d‖` (where both norms are positive); `buffer = momentum·buffer + d`;
   * `p −= lr·buffer`. The gradient is not changed.
   */
  lars(parameter: Float32Array, gradient: Float32Array, buffer: Float32Array, step: LarsStep): void;
  /** `into += scale · from`. */
  accumulate(into: Float32Array, from: Float32Array, scale: number): void;
  /** `x *= factor`. */
  scale(x: Float32Array, factor: number): void;
  /** `Σ x²`, added up in float64. */
  sumOfSquares(x: Float32Array): number;
  /** `into += weight · (from − into)`; for moving averages. */
  lerp(into: Float32Array, from: Float32Array, weight: number): void;
}

/** The scalars of an AdamW step as the kernels use them, in float64. */
export function adamwScalars({ lr, beta1, beta2, eps, weightDecay, step }: AdamwStep): {
  readonly keep: number;
  readonly gainM: number;
  readonly decayV: number;
  readonly gainV: number;
  readonly rootScale: number;
  readonly eps: number;
  readonly stepSize: number;
} {
  return {
    keep: 1 - lr * weightDecay,
    gainM: 1 - beta1,
    decayV: beta2,
    gainV: 1 - beta2,
    rootScale: 1 / Math.sqrt(1 - beta2 ** step),
    eps,
    stepSize: lr / (1 - beta1 ** step),
  };
}

/** The factor that LARS puts on an update: trust · ‖parameter‖ / ‖update‖, or 1 where a norm is zero. */
export function larsTrust(trustCoefficient: number, parameterSquares: number, updateSquares: number): number {
  if (parameterSquares <= 0 || updateSquares <= 0) return 1;
  return (trustCoefficient * Math.sqrt(parameterSquares)) / Math.sqrt(updateSquares);
}
