import type { VectorKernels } from '../engine/kernels/vector-kernels.js';
import type { Optimizer } from './optimizer.js';

export interface LarsOptions {
  /** Default 0.9. */
  readonly momentum?: number;
  /** Default 0.001. */
  readonly trustCoefficient?: number;
}

/**
 * LARS (You et al. 2017) as the official util/lars.py computes it: one-dimensional parameters get neither decay nor
 * trust scaling. Its slot is `mu`.
 */
export function lars(
  kernels: VectorKernels,
  { momentum = 0.9, trustCoefficient = 0.001 }: LarsOptions = {},
): Optimizer {
  return {
    createState: (shapes, allocate) => ({ slots: { mu: allocate(shapes) } }),
    update(parameters, gradients, { slots }, { lr, groups }) {
      for (const [name, gradient] of gradients) {
        const group = groups.get(name);
        if (group === undefined) throw new Error(`Parameter "${name}" has a gradient but is in no optimizer group.`);
        const { shape, data } = parameters.get(name)!;
        const isVector = shape.length <= 1;
        kernels.lars(data, gradient.data, slots.mu!.get(name)!.data, {
          lr: lr * group.lrScale,
          momentum,
          weightDecay: isVector ? 0 : group.weightDecay,
          ...(isVector ? {} : { trustCoefficient }),
        });
      }
    },
  };
}
