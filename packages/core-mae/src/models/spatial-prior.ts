/* Convolutions on the pixels beside an encoder, for heads that need to see finer than its patches. */

import * as tf from '@tensorflow/tfjs';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { conv2d, conv2dSpecs } from '../nn/conv.js';
import { layerNormSpecs } from '../nn/layer-norm.js';
import { type MapNorm, normalizeMap, normedConv, normedConvSpecs } from '../nn/normed-conv.js';
import { prefixed } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';

export interface SpatialPriorConfig {
  readonly inChannels: number;
  /** Pixels between neighbouring cells of the maps, finest first, each a multiple of the one before; 2 at the least. */
  readonly strides: readonly number[];
  /** Channels of every map; an even number. */
  readonly channels: number;
}

/** Parameters of the convolutions on the pixels: `stem.*` and `stages.<i>.*`. */
export function spatialPriorSpecs({ inChannels, strides, channels }: SpatialPriorConfig): ParameterSpecs {
  const half = channels / 2;
  const stages = strides.map((_, index) => {
    const factor = factorOf(strides, index);
    return prefixed(`stages.${index}.`, stageSpecs(factor * factor * (index === 0 ? half : channels), channels));
  });
  const cell = strides[0]! / 2;
  return {
    ...prefixed('stem.', stageSpecs(cell * cell * inChannels, half)),
    ...(Object.assign({}, ...stages) as ParameterSpecs),
  };
}

/**
 * What convolutions see in the pixels themselves, for each stride: `[B, H, W, in]` → `[B, h, w, C]`, finest first (Chen
 * et al. 2023, "Vision Transformer Adapter for Dense Predictions", §3.3). A plain encoder has to learn from pictures that
 * neighbours belong together, and has one token for each patch; these know the one and see finer than the other.
 */
export function spatialPrior(
  parameter: Scope,
  images: tf.Tensor4D,
  strides: readonly number[],
  norm: MapNorm = 'layer',
): tf.Tensor4D[] {
  let x = stage(below(parameter, 'stem.'), mergeCells(images, strides[0]! / 2), norm);
  return strides.map((_, index) => {
    x = stage(below(parameter, `stages.${index}.`), mergeCells(x, factorOf(strides, index)), norm);
    return x;
  });
}

function factorOf(strides: readonly number[], index: number): number {
  return index === 0 ? 2 : strides[index]! / strides[index - 1]!;
}

/**
 * The first layer has a bias: the padding around pictures is zeros, which a norm without one would divide by next to
 * nothing, and gradients with them.
 */
function stageSpecs(numIn: number, channels: number): ParameterSpecs {
  return {
    ...prefixed('0.', {
      ...conv2dSpecs(numIn, channels, { kernelSize: 1 }),
      ...prefixed('norm.', layerNormSpecs(channels)),
    }),
    ...prefixed('1.', normedConvSpecs(channels, channels, 3)),
  };
}

function stage(parameter: Scope, x: tf.Tensor4D, norm: MapNorm): tf.Tensor4D {
  const merged = conv2d(x, parameter('0.weight'), parameter<tf.Tensor1D>('0.bias'));
  return tf.relu(normedConv(parameter, '1.', tf.relu(normalizeMap(parameter, '0.norm.', merged, norm)), norm));
}

function below(parameter: Scope, prefix: string): Scope {
  return (name) => parameter(prefix + name);
}

/** Every `factor`² cells as one with all their channels: `[B, H, W, C]` → `[B, H / f, W / f, f · f · C]`. */
function mergeCells(x: tf.Tensor4D, factor: number): tf.Tensor4D {
  if (factor === 1) return x;
  const [batchSize, height, width, channels] = x.shape;
  const [rows, columns] = [height / factor, width / factor];
  const tiles = tf.reshape(x, [batchSize * rows, factor, columns, factor * channels]);
  return tf.reshape(tf.transpose(tiles, [0, 2, 1, 3]), [batchSize, rows, columns, factor * factor * channels]);
}
