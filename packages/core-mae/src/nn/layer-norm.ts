import * as tf from '@tensorflow/tfjs';
import { ones, zeros } from './init.js';
import type { ParameterSpecs } from '../contracts/parameters.js';

/** The epsilon of every layer norm in the official MAE and ViTDet code. */
export const LAYER_NORM_EPS = 1e-6;

/**
 * Normalises over the last axis with the biased variance, then scales and shifts: `[..., D]` → `[..., D]`.
 *
 * @param weight `[D]`
 * @param bias `[D]`
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, eps = LAYER_NORM_EPS): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, eps))), weight), bias);
}

export function layerNormSpecs(width: number): ParameterSpecs {
  return { weight: { shape: [width], init: ones }, bias: { shape: [width], init: zeros } };
}
