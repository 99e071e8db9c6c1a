import * as tf from '@tensorflow/tfjs';
import { linear, linearSpecs } from './linear.js';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { prefixed } from './params.js';
import type { Scope } from './scope.js';

/**
 * Softmax attention for `G` independent heads, tokens first: `[N, G, d]` each → `[N, G, d]`.
 *
 * Tokens come first so that the heads of all pictures are one batch axis without moving data.
 */
export function scaledDotProductAttention(query: tf.Tensor3D, key: tf.Tensor3D, value: tf.Tensor3D): tf.Tensor3D {
  const scale = query.shape[2] ** -0.5;
  const headFirst = (x: tf.Tensor3D): tf.Tensor3D => tf.transpose(x, [1, 0, 2]); // [G, N, d]
  const scores = tf.mul(tf.matMul(headFirst(query), headFirst(key), false, true), scale); // [G, N, N]
  const mixed = tf.matMul(tf.softmax(scores), headFirst(value)) as tf.Tensor3D;
  return tf.transpose(mixed, [1, 0, 2]);
}

/**
 * Multi-head self-attention (timm's `Attention`): `[N, B, D]` → `[N, B, D]`.
 *
 * Reads `qkv.weight` `[3D, D]`, `qkv.bias`, `proj.weight` `[D, D]`, `proj.bias`.
 */
export function selfAttention(parameter: Scope, x: tf.Tensor3D, numHeads: number): tf.Tensor3D {
  const [numTokens, batchSize, width] = x.shape;
  const qkv = linear(x, parameter<tf.Tensor2D>('qkv.weight'), parameter<tf.Tensor1D>('qkv.bias')); // [N, B, 3D]
  const [query, key, value] = tf
    .split(qkv, 3, -1)
    .map((part) => tf.reshape<tf.Rank.R3>(part, [numTokens, batchSize * numHeads, width / numHeads]));
  const mixed = scaledDotProductAttention(query!, key!, value!); // [N, B·heads, d]
  const joined = tf.reshape(mixed, [numTokens, batchSize, width]);
  return linear(joined, parameter<tf.Tensor2D>('proj.weight'), parameter<tf.Tensor1D>('proj.bias')) as tf.Tensor3D;
}

export function selfAttentionSpecs(width: number): ParameterSpecs {
  return { ...prefixed('qkv.', linearSpecs(width, 3 * width)), ...prefixed('proj.', linearSpecs(width, width)) };
}
