import { binary, unary } from '../operators/elementwise.js';
import { uniform } from '../operators/lazy-tensors.js';
import { type KernelRules, rule } from './rule.js';

type BatchNormInput = 'x' | 'scale' | 'offset' | 'mean' | 'variance';

/** Batch normalisation with given statistics. */
export const normalizationKernels: KernelRules = {
  FusedBatchNorm: rule<BatchNormInput, { varianceEpsilon: number }>((graph, inputs, { varianceEpsilon }) => {
    const { x, mean, variance } = inputs;
    // TF.js passes undefined for an absent scale or offset.
    const { scale, offset } = inputs as Partial<typeof inputs>;
    const deviation = unary(graph, 'Sqrt', binary(graph, 'Add', variance, uniform(varianceEpsilon, [])));
    const inverse = unary(graph, 'Reciprocal', deviation);
    const factor = scale === undefined ? inverse : binary(graph, 'Mul', scale, inverse);
    const scaled = binary(graph, 'Mul', binary(graph, 'Sub', x, mean), factor);
    return offset === undefined ? scaled : binary(graph, 'Add', scaled, offset);
  }),
};
