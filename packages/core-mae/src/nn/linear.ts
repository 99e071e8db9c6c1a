import * as tf from '@tensorflow/tfjs';
import { xavierUniform, zeros } from './init.js';
import type { ParameterSpecs } from '../contracts/parameters.js';

/**
 * `x · weightᵀ + bias` over the last axis: `[..., in]` → `[..., out]`.
 *
 * @param weight `[out, in]`, PyTorch's layout
 * @param bias `[out]`
 */
export function linear(x: tf.Tensor, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor {
  const rows = tf.reshape<tf.Rank.R2>(x, [-1, weight.shape[1]]);
  const product = tf.matMul(rows, weight, false, true);
  const result = bias === undefined ? product : tf.add(product, bias);
  return tf.reshape(result, [...x.shape.slice(0, -1), weight.shape[0]]);
}

/** A linear layer's parameters, initialised as the official MAE code does. */
export function linearSpecs(inFeatures: number, outFeatures: number): ParameterSpecs {
  return {
    weight: { shape: [outFeatures, inFeatures], init: xavierUniform },
    bias: { shape: [outFeatures], init: zeros },
  };
}
