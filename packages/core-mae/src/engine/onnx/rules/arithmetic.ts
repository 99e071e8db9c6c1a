import { binary, cast, unary, where } from '../operators/elementwise.js';
import type { GraphBuilder } from '../graph.js';
import { computed, type LazyTensor, operand, uniform } from '../operators/lazy-tensors.js';
import { type KernelRule, type KernelRules, listRule, rule } from './rule.js';

const direct = (op: string): KernelRule => rule<'x'>((graph, { x }) => unary(graph, op, x));
const twoSided = (op: string): KernelRule => rule<'a' | 'b'>((graph, { a, b }) => binary(graph, op, a, b));
const number = (value: number): LazyTensor => uniform(value, []);

/** The rounded-down quotient; whole numbers go through float64, which holds every int32. */
function floorDivide(graph: GraphBuilder, a: LazyTensor, b: LazyTensor): LazyTensor {
  if (a.dtype === 'float32') return unary(graph, 'Floor', binary(graph, 'Div', a, b));
  const inputs = [a, b].map((tensor) => {
    const whole = operand(graph, tensor);
    const attributes = { to: 11 };
    return graph.node('Cast', [whole], [{ shape: whole.shape, type: 'float64' }], { attributes })[0]!;
  });
  const probe = binary(graph, 'Div', a, b);
  const shape = operand(graph, probe).shape;
  const [quotient] = graph.node('Div', inputs, [{ shape, type: 'float64' }]);
  const [floor] = graph.node('Floor', [quotient!], [{ shape, type: 'float64' }]);
  const [result] = graph.node('Cast', [floor!], [{ shape, type: 'int32' }], { attributes: { to: 6 } });
  return computed(graph, result!, 'int32', probe.shape);
}

/** log(1 + x) without losing small x (Kahan's form: the rounding of 1 + x cancels). */
function log1p(graph: GraphBuilder, x: LazyTensor): LazyTensor {
  const sum = binary(graph, 'Add', x, number(1));
  const rounded = binary(graph, 'Sub', sum, number(1));
  const tiny = binary(graph, 'Equal', rounded, number(0), 'bool');
  const safe = where(graph, tiny, number(1), rounded);
  return where(graph, tiny, x, binary(graph, 'Div', binary(graph, 'Mul', unary(graph, 'Log', sum), x), safe));
}

/** exp(x) − 1 = tanh(x/2) · (exp(x) + 1), which keeps small x; beyond 80 the plain form, where exp may overflow. */
function expm1(graph: GraphBuilder, x: LazyTensor): LazyTensor {
  const power = unary(graph, 'Exp', x);
  const half = unary(graph, 'Tanh', binary(graph, 'Mul', x, number(0.5)));
  return binary(graph, 'Mul', half, binary(graph, 'Add', power, number(1)));
}

function modulo(graph: GraphBuilder, a: LazyTensor, b: LazyTensor): LazyTensor {
  return binary(graph, 'Sub', a, binary(graph, 'Mul', floorDivide(graph, a, b), b));
}

function sum(graph: GraphBuilder, terms: readonly LazyTensor[]): LazyTensor {
  return terms.reduce((total, term) => binary(graph, 'Add', total, term));
}

const inverseRoot = rule<'x'>((graph, { x }) => unary(graph, 'Reciprocal', unary(graph, 'Sqrt', x)));

/** Sums, products, powers, roots, exponentials, trigonometry. */
export const arithmeticKernels: KernelRules = {
  Add: twoSided('Add'),
  AddV2: twoSided('Add'),
  Sub: twoSided('Sub'),
  Multiply: twoSided('Mul'),
  Maximum: twoSided('Max'),
  Minimum: twoSided('Min'),
  AddN: listRule(sum),
  RealDiv: rule<'a' | 'b'>((graph, { a, b }) =>
    binary(graph, 'Div', cast(graph, a, 'float32'), cast(graph, b, 'float32')),
  ),
  FloorDiv: rule<'a' | 'b'>((graph, { a, b }) => cast(graph, floorDivide(graph, a, b), 'int32')),
  Mod: rule<'a' | 'b'>((graph, { a, b }) => modulo(graph, a, b)),
  Pow: twoSided('Pow'),
  Square: rule<'x'>((graph, { x }) => binary(graph, 'Mul', x, x)),
  SquaredDifference: rule<'a' | 'b'>((graph, { a, b }) => {
    const difference = binary(graph, 'Sub', a, b);
    return binary(graph, 'Mul', difference, difference);
  }),
  Rsqrt: inverseRoot,
  Log1p: rule<'x'>((graph, { x }) => log1p(graph, x)),
  Expm1: rule<'x'>((graph, { x }) => expm1(graph, x)),
  ...Object.fromEntries(
    ['Abs', 'Neg', 'Exp', 'Log', 'Sqrt', 'Reciprocal', 'Floor', 'Ceil', 'Round', 'Sign', 'Erf']
      .concat(['Sin', 'Cos', 'Tan', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh', 'Tanh', 'Asinh', 'Acosh', 'Atanh'])
      .map((op) => [op, direct(op)]),
  ),
  ClipByValue: rule<'x', { clipValueMin: number; clipValueMax: number }>(
    (graph, { x }, { clipValueMin, clipValueMax }) =>
      binary(
        graph,
        'Min',
        binary(graph, 'Max', x, uniform(clipValueMin, [], x.dtype)),
        uniform(clipValueMax, [], x.dtype),
      ),
  ),
};
