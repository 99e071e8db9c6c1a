import * as tf from '@tensorflow/tfjs';
import { selfAttention, selfAttentionSpecs } from './attention.js';
import { dropPath } from './drop-path.js';
import { layerNorm, layerNormSpecs } from './layer-norm.js';
import { mlp, mlpSpecs } from './mlp.js';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { prefixed } from './params.js';
import { type PickedRows, pickTokens } from './rows.js';
import type { Scope } from './scope.js';

export interface BlockOptions {
  readonly numHeads: number;
  /** `[2, B]`: keep scales of the attention and the MLP branch (see `drop-path.ts`); absent, nothing is dropped. */
  readonly keepScales?: tf.Tensor2D | undefined;
  /** Of the layer norms. Default 1e-6. */
  readonly layerNormEps?: number | undefined;
  /**
   * The tokens that are wanted, rows counted over the first two axes; absent, all. The others are attended to and go no
   * further, which changes nothing about those that do.
   */
  readonly wanted?: PickedRows | undefined;
}

/**
 * A pre-norm transformer block (timm's `Block`): `[N, B, D]` → `[N, B, D]`, or `[M, B, D]` of the tokens `wanted`.
 *
 * Reads `norm1.*`, `attn.*`, `norm2.*`, `mlp.*`.
 */
export function block(parameter: Scope, x: tf.Tensor3D, options: BlockOptions): tf.Tensor3D {
  const { numHeads, keepScales, wanted, layerNormEps } = options;
  const [attentionScale, mlpScale] =
    keepScales === undefined ? [] : (tf.unstack(keepScales) as [tf.Tensor1D, tf.Tensor1D]);
  const residual = (branch: tf.Tensor3D, keepScale: tf.Tensor1D | undefined): tf.Tensor3D =>
    keepScale === undefined ? branch : dropPath(branch, keepScale);
  const below =
    (prefix: string): Scope =>
    (name) =>
      parameter(prefix + name);

  const normed = layerNorm(x, parameter('norm1.weight'), parameter('norm1.bias'), layerNormEps) as tf.Tensor3D;
  const kept = wanted === undefined ? x : pickTokens(x, wanted);
  const mixed = selfAttention(below('attn.'), normed, { numHeads, queried: wanted });
  const attended = tf.add(kept, residual(mixed, attentionScale));
  const normedAgain = layerNorm(attended, parameter('norm2.weight'), parameter('norm2.bias'), layerNormEps);
  return tf.add<tf.Tensor3D>(attended, residual(mlp(below('mlp.'), normedAgain) as tf.Tensor3D, mlpScale));
}

/** @param mlpRatio hidden width of the MLP over the block's width */
export function blockSpecs(width: number, mlpRatio: number): ParameterSpecs {
  return {
    ...prefixed('norm1.', layerNormSpecs(width)),
    ...prefixed('attn.', selfAttentionSpecs(width)),
    ...prefixed('norm2.', layerNormSpecs(width)),
    ...prefixed('mlp.', mlpSpecs(width, Math.round(width * mlpRatio))),
  };
}
