import * as tf from '@tensorflow/tfjs';
import { fusedLayerNorm, isTracing } from '../engine/fused-ops.js';
import { ones, zeros } from './init.js';
import type { ParameterSpecs } from '../contracts/parameters.js';

/** The epsilon of every layer norm in the official MAE and ViTDet code. */
const LAYER_NORM_EPS = 1e-6;

/**
 * Normalises over the last axis with the biased variance, then scales and shifts: `[..., D]` → `[..., D]`.
 *
 * @param weight `[D]`
 * @param bias `[D]`
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, eps = LAYER_NORM_EPS): tf.Tensor {
  if (isTracing()) return tracedLayerNorm(x, weight, bias, eps);
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, eps))), weight), bias);
}

/**
 * One node forwards. Backwards, with x̂ the normalised input (computed again: cheaper than keeping it) and g = dy · w,
 * dx = (g − mean(g) − x̂ · mean(g · x̂)) / σ. The two means are products with w / D, which read dy and dy · x̂ once.
 */
function tracedLayerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, eps: number): tf.Tensor {
  const width = x.shape.at(-1)!;
  const rows = tf.reshape(x, [-1, width]);
  const normalize = tf.customGrad((...args) => {
    const [input, scale, shift, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const { normed, inverseDeviation } = fusedLayerNorm(input, scale, shift, eps);
    save([input, scale, inverseDeviation]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const [savedInput, savedScale, inverse] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const centered = fusedLayerNorm(savedInput, tf.onesLike(savedScale), tf.zerosLike(savedScale), eps).normed;
      const projected = tf.mul(dy, centered);
      const column = tf.div<tf.Tensor2D>(tf.reshape(savedScale, [width, 1]), width);
      const meanGradient = tf.matMul(dy, column);
      const meanProjected = tf.matMul(projected, column);
      const inside = tf.sub(tf.sub(tf.mul(dy, savedScale), tf.mul(centered, meanProjected)), meanGradient);
      return [tf.mul(inside, inverse), tf.sum(projected, 0), tf.sum(dy, 0)];
    };
    return { value: normed, gradFunc };
  });
  return tf.reshape(normalize(rows, weight, bias), x.shape);
}

export function layerNormSpecs(width: number): ParameterSpecs {
  return { weight: { shape: [width], init: ones }, bias: { shape: [width], init: zeros } };
}
