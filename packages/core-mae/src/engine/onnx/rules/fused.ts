import { unary } from '../operators/elementwise.js';
import { MICROSOFT } from '../graph.js';
import { computed, type LazyTensor, materialize } from '../operators/lazy-tensors.js';
import { matrixProduct, type ProductOptions } from '../operators/matrix-products.js';
import { type KernelRules, rule } from './rule.js';

/**
 * Kernels that TF.js does not have: single ONNX nodes for what would be several TF.js ops. `fused-ops.ts` calls them.
 */
export const fusedKernels: KernelRules = {
  MaeLayerNorm: rule<'x' | 'weight' | 'bias', { eps: number }>((graph, { x, weight, bias }, { eps }) => {
    const statistics = { shape: [...x.shape.slice(0, -1), 1], type: 'float32' as const };
    const inputs = [x, weight, bias].map((tensor) => materialize(graph, tensor));
    const outputs = [{ shape: x.shape, type: 'float32' as const }, statistics, statistics];
    const attributes = { axis: -1, epsilon: { float: eps } };
    const values = graph.node('LayerNormalization', inputs, outputs, { attributes });
    return values.map((value) => computed(graph, value, 'float32'));
  }),
  MaeGelu: rule<'x'>((graph, { x }) => {
    const input = materialize(graph, x);
    const [value] = graph.node('Gelu', [input], [{ shape: x.shape, type: 'float32' }], { domain: MICROSOFT });
    return computed(graph, value!, 'float32');
  }),
  MaeClampedLine: rule<'x', { slope: number; offset: number }>((graph, { x }, { slope, offset }) =>
    unary(graph, 'HardSigmoid', x, { attributes: { alpha: { float: slope }, beta: { float: offset } } }),
  ),
  MaeMatMul: rule<'a' | 'b', ProductOptions>((graph, { a, b }, options) => matrixProduct(graph, a, b, options)),
  MaeGemm: rule<'a' | 'b' | 'addend', { transposeA: boolean; transposeB: boolean }>((graph, inputs, attributes) => {
    const { a, b, addend } = inputs;
    const { transposeA, transposeB } = attributes;
    const shape = [a.shape[transposeA ? 1 : 0]!, b.shape[transposeB ? 0 : 1]!];
    const values = [a, b, addend].map((tensor: LazyTensor) => materialize(graph, tensor));
    const [value] = graph.node('Gemm', values, [{ shape, type: 'float32' }], {
      attributes: { transA: Number(transposeA), transB: Number(transposeB) },
    });
    return computed(graph, value!, 'float32');
  }),
};
