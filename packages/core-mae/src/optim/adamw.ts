import type { VectorKernels } from '../engine/kernels/vector-kernels.js';
import type { Optimizer } from './optimizer.js';

export interface AdamwOptions {
  /** Default `[0.9, 0.999]`, PyTorch's; MAE pretrains with `[0.9, 0.95]`. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
}

/**
 * AdamW (Loshchilov and Hutter 2019) as `torch.optim.AdamW` computes it; its slots are `exp_avg` and `exp_avg_sq`.
 */
export function adamw(kernels: VectorKernels, { betas = [0.9, 0.999], eps = 1e-8 }: AdamwOptions = {}): Optimizer {
  const [beta1, beta2] = betas;
  return {
    createState: (shapes, allocate) => ({ slots: { exp_avg: allocate(shapes), exp_avg_sq: allocate(shapes) } }),
    update(parameters, gradients, { slots }, { step, lr, groups }) {
      const [m, v] = [slots.exp_avg!, slots.exp_avg_sq!];
      for (const [name, gradient] of gradients) {
        const group = groups.get(name);
        if (group === undefined) throw new Error(`Parameter "${name}" has a gradient but is in no optimizer group.`);
        kernels.adamw(parameters.get(name)!.data, gradient.data, m.get(name)!.data, v.get(name)!.data, {
          lr: lr * group.lrScale,
          beta1,
          beta2,
          eps,
          weightDecay: group.weightDecay,
          step,
        });
      }
    },
  };
}
