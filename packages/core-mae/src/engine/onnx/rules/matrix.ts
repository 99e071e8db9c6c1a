import { cast } from '../operators/elementwise.js';
import { computed, materialize } from '../operators/lazy-tensors.js';
import { matrixProduct } from '../operators/matrix-products.js';
import { broadcastShape } from '../operators/elementwise.js';
import { unsupported } from '../operators/unsupported.js';
import { type KernelRules, listRule, rule } from './rule.js';

/** Sizes by letter of an equation such as `bij,bjk->bik`. */
function einsumShape(equation: string, shapes: ReadonlyArray<readonly number[]>): number[] {
  const [terms, result] = equation.replace(/\s/g, '').split('->');
  if (terms === undefined || result === undefined || equation.includes('.')) {
    throw unsupported(`tf.einsum with the equation "${equation}"`);
  }
  const sizes = new Map<string, number>();
  terms.split(',').forEach((term, index) => {
    [...term].forEach((letter, axis) => sizes.set(letter, shapes[index]![axis]!));
  });
  return [...result].map((letter) => sizes.get(letter)!);
}

/** Matrix products. */
export const matrixKernels: KernelRules = {
  BatchMatMul: rule<'a' | 'b', { transposeA: boolean; transposeB: boolean }>((graph, { a, b }, attributes) => {
    // Shapes are checked here because ONNX Runtime's message would name values, not the user's tensors.
    broadcastShape('matMul', a.shape.slice(0, -2), b.shape.slice(0, -2));
    const product = matrixProduct(graph, cast(graph, a, 'float32'), cast(graph, b, 'float32'), attributes);
    return cast(graph, product, a.dtype);
  }),
  Einsum: listRule<{ equation: string }>((graph, inputs, { equation }) => {
    const shapes = inputs.map(({ shape }) => shape);
    const shape = einsumShape(equation, shapes);
    const values = inputs.map((input) => materialize(graph, input));
    const [value] = graph.node('Einsum', values, [{ shape, type: 'float32' }], {
      attributes: { equation: equation.replace(/\s/g, '') },
    });
    return computed(graph, value!, 'float32');
  }),
};
