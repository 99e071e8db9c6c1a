import * as tf from '@tensorflow/tfjs';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { layerNormSpecs } from './layer-norm.js';

/**
 * Normalises each picture's groups of channels over its pixels with the biased variance, then scales and shifts each
 * channel: `[B, H, W, C]` → `[B, H, W, C]` (Wu and He 2018; `torch.nn.GroupNorm`).
 *
 * @param weight `[C]`
 * @param bias `[C]`
 * @param numGroups divides C
 */
export function groupNorm(
  x: tf.Tensor4D,
  weight: tf.Tensor,
  bias: tf.Tensor,
  numGroups: number,
  eps = 1e-5,
): tf.Tensor4D {
  const [batchSize, height, width, channels] = x.shape;
  const groups = tf.reshape(x, [batchSize, height * width, numGroups, channels / numGroups]);
  const { mean, variance } = tf.moments(groups, [1, 3], true);
  const normed = tf.reshape(tf.mul(tf.sub(groups, mean), tf.rsqrt(tf.add(variance, eps))), x.shape);
  return tf.add(tf.mul(normed, weight), bias);
}

/** Channels of a group where nothing else is said. */
const GROUP = 8;

/** Groups of eight channels each; one group where that does not divide them. */
export function groupsOfEight(channels: number): number {
  return channels % GROUP === 0 ? channels / GROUP : 1;
}

/** A group norm's parameters: `weight` and `bias`, `[C]` each. */
export function groupNormSpecs(channels: number): ParameterSpecs {
  return layerNormSpecs(channels);
}
