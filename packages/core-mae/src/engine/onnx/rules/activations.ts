import { binary, unary, where } from '../operators/elementwise.js';
import type { GraphBuilder } from '../graph.js';
import { computed, type LazyTensor, materialize, uniform } from '../operators/lazy-tensors.js';
import { type KernelRules, rule } from './rule.js';

const zero = uniform(0, []);

function softmax(graph: GraphBuilder, logits: LazyTensor, dim: number): LazyTensor {
  const input = materialize(graph, logits);
  const axis = dim < 0 ? dim + logits.shape.length : dim;
  const [value] = graph.node('Softmax', [input], [{ shape: input.shape, type: 'float32' }], { attributes: { axis } });
  return computed(graph, value!, 'float32');
}

/** Non-linearities of neural networks. */
export const activationKernels: KernelRules = {
  Relu: rule<'x'>((graph, { x }) => unary(graph, 'Relu', x)),
  Relu6: rule<'x'>((graph, { x }) => binary(graph, 'Min', unary(graph, 'Relu', x), uniform(6, [], x.dtype))),
  LeakyRelu: rule<'x', { alpha: number }>((graph, { x }, { alpha }) =>
    unary(graph, 'LeakyRelu', x, { attributes: { alpha: { float: alpha } } }),
  ),
  Prelu: rule<'x' | 'alpha'>((graph, { x, alpha }) =>
    where(graph, binary(graph, 'Less', x, zero, 'bool'), binary(graph, 'Mul', alpha, x), x),
  ),
  Elu: rule<'x'>((graph, { x }) => unary(graph, 'Elu', x)),
  EluGrad: rule<'dy' | 'y'>((graph, { dy, y }) => {
    const below = binary(graph, 'Mul', dy, binary(graph, 'Add', y, uniform(1, [])));
    return where(graph, binary(graph, 'GreaterOrEqual', y, zero, 'bool'), dy, below);
  }),
  Selu: rule<'x'>((graph, { x }) => unary(graph, 'Selu', x)),
  Sigmoid: rule<'x'>((graph, { x }) => unary(graph, 'Sigmoid', x)),
  Softplus: rule<'x'>((graph, { x }) => unary(graph, 'Softplus', x)),
  Step: rule<'x', { alpha: number }>((graph, { x }, { alpha }) => {
    const above = where(graph, binary(graph, 'Greater', x, zero, 'bool'), uniform(1, []), uniform(alpha, []));
    // NaN stays NaN.
    return where(graph, unary(graph, 'IsNaN', x, { dtype: 'bool' }), x, above);
  }),
  Softmax: rule<'logits', { dim: number }>((graph, { logits }, { dim }) => softmax(graph, logits, dim)),
};
