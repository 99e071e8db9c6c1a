import * as tf from '@tensorflow/tfjs';
import type { ProductOptions } from './onnx/operators/matrix-products.js';
import { TRACE_BACKEND } from './onnx/trace/trace-backend.js';

export type { ProductOptions };

/**
 * Whether a function is being traced for the compiled engine. Layers may then use the ops below; everything else
 * traces from plain TF.js. Ops here have no gradient of their own: call them inside `tf.customGrad`.
 */
export function isTracing(): boolean {
  return tf.getBackend() === TRACE_BACKEND;
}

/** Layer norm over the last axis as one node, with its statistics: `[..., D]` → `[..., D]`, and twice `[..., 1]`. */
export function fusedLayerNorm(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  eps: number,
): { normed: tf.Tensor; mean: tf.Tensor; inverseDeviation: tf.Tensor } {
  const results = run('MaeLayerNorm', { x, weight, bias }, { eps }) as unknown as tf.Tensor[];
  const [normed, mean, inverseDeviation] = results as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { normed, mean, inverseDeviation };
}

/** The exact GELU as one node. */
export function fusedGelu(x: tf.Tensor): tf.Tensor {
  return run('MaeGelu', { x }, {});
}

/** `min(max(slope·x + offset, 0), 1)` in one pass. */
export function clampedLine(x: tf.Tensor, slope: number, offset: number): tf.Tensor {
  return run('MaeClampedLine', { x }, { slope, offset });
}

/** A product of matrices or stacks of them, with a factor, and with operands whose rows come before the stack. */
export function fusedMatMul(a: tf.Tensor, b: tf.Tensor, options: ProductOptions = {}): tf.Tensor {
  return run('MaeMatMul', { a, b }, { ...options });
}

/** `a · b + addend` as one node, for matrices; the addend broadcasts to the product. */
export function gemm(
  a: tf.Tensor,
  b: tf.Tensor,
  addend: tf.Tensor,
  { transposeA = false, transposeB = false }: Pick<ProductOptions, 'transposeA' | 'transposeB'> = {},
): tf.Tensor {
  return run('MaeGemm', { a, b, addend }, { transposeA, transposeB });
}

function run(kernel: string, inputs: tf.NamedTensorMap, attributes: Record<string, unknown>): tf.Tensor {
  return tf.engine().runKernel<tf.Tensor>(kernel, inputs, attributes as tf.NamedAttrMap);
}
