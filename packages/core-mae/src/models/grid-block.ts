import * as tf from '@tensorflow/tfjs';
import { dropPath } from '../nn/drop-path.js';
import { blockSpecs, type BlockOptions } from '../nn/block.js';
import type { GridSize } from '../nn/interpolate-bicubic.js';
import { layerNorm } from '../nn/layer-norm.js';
import { linear } from '../nn/linear.js';
import { mlp } from '../nn/mlp.js';
import { prefixed } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { relPosAttention, relPosSpecs } from './rel-pos.js';
import { joinWindows, partitionWindows } from './window.js';

export interface GridBlockOptions extends BlockOptions {
  /** The tokens' grid. */
  readonly grid: GridSize;
  /** Side of the windows that attention stays in; absent, every token sees every other. */
  readonly windowSize?: number | undefined;
}

/**
 * A pre-norm transformer block over a grid of tokens, with relative positions: `[H·W, B, D]` → `[H·W, B, D]`
 * (detectron2's ViT `Block`). Within windows, tokens beyond the grid are zeros after the norm and take part as keys.
 *
 * Reads `norm1.*`, `attn.*` with `attn.rel_pos_h` and `attn.rel_pos_w`, `norm2.*`, `mlp.*`.
 */
export function gridBlock(parameter: Scope, x: tf.Tensor3D, options: GridBlockOptions): tf.Tensor3D {
  const { numHeads, keepScales, grid, windowSize, layerNormEps } = options;
  const [attentionScale, mlpScale] =
    keepScales === undefined ? [] : (tf.unstack(keepScales) as [tf.Tensor1D, tf.Tensor1D]);
  const residual = (branch: tf.Tensor3D, keepScale: tf.Tensor1D | undefined): tf.Tensor3D =>
    keepScale === undefined ? branch : dropPath(branch, keepScale);
  const below =
    (prefix: string): Scope =>
    (name) =>
      parameter(prefix + name);

  const normed = layerNorm(x, parameter('norm1.weight'), parameter('norm1.bias'), layerNormEps) as tf.Tensor3D;
  const mixed =
    windowSize === undefined
      ? gridAttention(below('attn.'), normed, numHeads, grid)
      : joinWindows(
          gridAttention(below('attn.'), partitionWindows(normed, grid, windowSize), numHeads, {
            height: windowSize,
            width: windowSize,
          }),
          grid,
          windowSize,
        );
  const attended = tf.add<tf.Tensor3D>(x, residual(mixed, attentionScale));
  const normedAgain = layerNorm(attended, parameter('norm2.weight'), parameter('norm2.bias'), layerNormEps);
  return tf.add<tf.Tensor3D>(attended, residual(mlp(below('mlp.'), normedAgain) as tf.Tensor3D, mlpScale));
}

/** @param attended the grid that attention runs over: the whole, or a window */
function gridAttention(parameter: Scope, x: tf.Tensor3D, numHeads: number, attended: GridSize): tf.Tensor3D {
  const [numTokens, numPictures, embedDim] = x.shape;
  const headDim = embedDim / numHeads;
  const biases = tf.split<tf.Tensor1D>(parameter('qkv.bias'), 3);
  const [query, key, value] = tf
    .split<tf.Tensor2D>(parameter('qkv.weight'), 3)
    .map((weight, index) =>
      tf.reshape<tf.Rank.R3>(linear(x, weight, biases[index]), [numTokens, numPictures * numHeads, headDim]),
    );
  const relPos = { relPosH: parameter<tf.Tensor2D>('rel_pos_h'), relPosW: parameter<tf.Tensor2D>('rel_pos_w') };
  const mixed = relPosAttention({ query: query!, key: key!, value: value!, ...relPos }, attended);
  const joined = tf.reshape(mixed, [numTokens, numPictures, embedDim]);
  return linear(joined, parameter<tf.Tensor2D>('proj.weight'), parameter<tf.Tensor1D>('proj.bias')) as tf.Tensor3D;
}

/** @param mlpRatio hidden width of the MLP over the block's width */
export function gridBlockSpecs(
  width: number,
  mlpRatio: number,
  { numHeads, grid, windowSize }: Omit<GridBlockOptions, 'keepScales'>,
): ParameterSpecs {
  const attended = windowSize === undefined ? grid : { height: windowSize, width: windowSize };
  return {
    ...blockSpecs(width, mlpRatio),
    ...prefixed('attn.', relPosSpecs(attended, width / numHeads)),
  };
}
