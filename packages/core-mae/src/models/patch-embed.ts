import * as tf from '@tensorflow/tfjs';
import { xavierUniform } from '../nn/init.js';
import { linear } from '../nn/linear.js';
import type { ParameterSpecs } from '../contracts/parameters.js';
import type { Scope } from '../nn/scope.js';
import type { VitConfig } from '../contracts/backbone.js';

/**
 * Pictures cut into patches, patches first: `[B, H, W, C]` → `[L·B, p·p·C]`, row `l·B + b` being patch `l` of
 * picture `b`. Values within a patch run over row, column, channel, as in the official `patchify`.
 */
export function patchify(images: tf.Tensor4D, patchSize: number): tf.Tensor2D {
  const [batchSize, height, width, channels] = images.shape;
  const rows = height / patchSize;
  const columns = width / patchSize;
  const split = tf.reshape(images, [batchSize, rows, patchSize, columns, patchSize, channels]);
  const patches = tf.transpose(split, [1, 3, 0, 2, 4, 5]); // [rows, columns, B, p, p, C]
  return tf.reshape(patches, [rows * columns * batchSize, patchSize * patchSize * channels]);
}

/**
 * Embeds patches: `[R, p·p·C]` → `[R, D]`. The official layer is a convolution of stride p with weight
 * `[D, C, p, p]`, which on a cut-out patch is a linear layer.
 *
 * Reads `patch_embed.proj.weight` and `patch_embed.proj.bias`.
 */
export function embedPatches(parameter: Scope, patches: tf.Tensor2D): tf.Tensor2D {
  const kernel = parameter<tf.Tensor4D>('patch_embed.proj.weight');
  const weight = tf.reshape<tf.Rank.R2>(tf.transpose(kernel, [0, 2, 3, 1]), [kernel.shape[0], -1]); // [D, p·p·C]
  return linear(patches, weight, parameter<tf.Tensor1D>('patch_embed.proj.bias')) as tf.Tensor2D;
}

/**
 * The patch embedding's parameters. The weight is initialised as a linear layer's (models_mae.py); the bias keeps
 * PyTorch's default for convolutions, uniform in ±1/√fanIn.
 */
export function patchEmbedSpecs({ patchSize, inChannels, embedDim }: VitConfig): ParameterSpecs {
  const fanIn = inChannels * patchSize * patchSize;
  return {
    'patch_embed.proj.weight': { shape: [embedDim, inChannels, patchSize, patchSize], init: xavierUniform },
    'patch_embed.proj.bias': {
      shape: [embedDim],
      init: ([size], random) =>
        Float32Array.from({ length: size ?? 0 }, () => (2 * random.uniform() - 1) / Math.sqrt(fanIn)),
    },
  };
}
