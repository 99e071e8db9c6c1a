import { binary, cast, unary, where } from '../operators/elementwise.js';
import { broadcast, type LazyTensor, uniform } from '../operators/lazy-tensors.js';
import { reshape } from '../operators/layout.js';
import { type KernelRule, type KernelRules, rule } from './rule.js';

/** ONNX Runtime compares numbers, not booleans. */
const compare = (op: string): KernelRule =>
  rule<'a' | 'b'>((graph, { a, b }) => {
    const [left, right] = [a, b].map((x) => (x.dtype === 'bool' ? cast(graph, x, 'int32') : x)) as Two;
    return binary(graph, op, left, right, 'bool');
  });
const logical = (op: string): KernelRule => rule<'a' | 'b'>((graph, { a, b }) => binary(graph, op, a, b, 'bool'));
type Two = [LazyTensor, LazyTensor];

/** Comparisons, logic and choosing by a condition. */
export const logicKernels: KernelRules = {
  Equal: compare('Equal'),
  NotEqual: rule<'a' | 'b'>((graph, inputs) =>
    unary(graph, 'Not', compare('Equal')(graph, inputs, undefined) as LazyTensor),
  ),
  Greater: compare('Greater'),
  GreaterEqual: compare('GreaterOrEqual'),
  Less: compare('Less'),
  LessEqual: compare('LessOrEqual'),
  LogicalAnd: logical('And'),
  LogicalOr: logical('Or'),
  LogicalNot: rule<'x'>((graph, { x }) => unary(graph, 'Not', x)),
  IsNan: rule<'x'>((graph, { x }) => unary(graph, 'IsNaN', cast(graph, x, 'float32'), { dtype: 'bool' })),
  IsInf: rule<'x'>((graph, { x }) => unary(graph, 'IsInf', cast(graph, x, 'float32'), { dtype: 'bool' })),
  IsFinite: rule<'x'>((graph, { x }) => {
    // x − x is 0 for finite numbers and NaN for the others.
    const float = cast(graph, x, 'float32');
    return binary(graph, 'Equal', binary(graph, 'Sub', float, float), uniform(0, []), 'bool');
  }),
  Select: rule<'condition' | 't' | 'e'>((graph, { condition, t, e }) => {
    // A condition of rank 1 chooses whole entries of the first axis.
    const rowWise = condition.shape.length === 1 && t.shape.length > 1;
    const shape = [...condition.shape, ...t.shape.slice(1).map(() => 1)];
    const chosen = where(graph, rowWise ? reshape(graph, condition, shape) : condition, t, e);
    return broadcast(chosen, t.shape);
  }),
};
