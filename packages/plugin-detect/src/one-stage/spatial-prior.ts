import * as tf from '@tensorflow/tfjs';
import {
  conv2d,
  conv2dSpecs,
  layerNorm,
  layerNormSpecs,
  type NamedTensors,
  type ParameterSpecs,
  prefixed,
  type Scope,
  scope,
} from '@mae-tasks/core-mae/task';
import { normedConv, normedConvSpecs } from '../network/simple-feature-pyramid.js';
import type { OneStageConfig } from './config.js';

const PREFIX = 'spm.';

type PriorConfig = Pick<OneStageConfig, 'vit' | 'strides' | 'pyramidChannels' | 'spatialPrior'>;

/**
 * Parameters of the convolutions beside the encoder, named after the spatial prior module of ViT-Adapter: nothing where
 * there is none.
 */
export function spatialPriorSpecs({
  vit,
  strides,
  pyramidChannels,
  spatialPrior: channels,
}: PriorConfig): ParameterSpecs {
  if (channels === 0) return {};
  const half = channels / 2;
  const stages = strides.map((stride, index) => {
    const factor = index === 0 ? 2 : stride / strides[index - 1]!;
    return {
      ...prefixed(`stages.${index}.`, stageSpecs(factor * factor * (index === 0 ? half : channels), channels)),
      // Named `fc2` … for the levels in ViT-Adapter; here by their number.
      ...prefixed(`fc.${index}.`, conv2dSpecs(channels, pyramidChannels, { kernelSize: 1 })),
    };
  });
  const cell = strides[0]! / 2;
  return prefixed(PREFIX, {
    ...prefixed('stem.', stageSpecs(cell * cell * vit.inChannels, half)),
    ...(Object.assign({}, ...stages) as ParameterSpecs),
  });
}

/**
 * What convolutions see in the pixels themselves, for each level: `[B, H, W, 3]` → `[B, h, w, C]`, finest first (Chen et
 * al. 2023, "Vision Transformer Adapter for Dense Predictions", §3.3). A plain encoder has to learn from pictures that
 * neighbours belong together, and has one token for each patch; these know the one and see finer than the other.
 */
export function spatialPrior(
  parameters: NamedTensors,
  images: tf.Tensor4D,
  { strides }: Pick<OneStageConfig, 'strides'>,
): tf.Tensor4D[] {
  const parameter = scope(parameters, PREFIX);
  let x = stage(scopeBelow(parameter, 'stem.'), mergeCells(images, strides[0]! / 2));
  return strides.map((stride, index) => {
    const factor = index === 0 ? 2 : stride / strides[index - 1]!;
    x = stage(scopeBelow(parameter, `stages.${index}.`), mergeCells(x, factor));
    const fc = scopeBelow(parameter, `fc.${index}.`);
    return conv2d(x, fc('weight'), fc<tf.Tensor1D>('bias'));
  });
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

function stage(parameter: Scope, x: tf.Tensor4D): tf.Tensor4D {
  const merged = conv2d(x, parameter('0.weight'), parameter<tf.Tensor1D>('0.bias'));
  const normed = layerNorm(merged, parameter('0.norm.weight'), parameter('0.norm.bias')) as tf.Tensor4D;
  return tf.relu(normedConv(parameter, '1.', tf.relu(normed)));
}

function scopeBelow(parameter: Scope, prefix: string): Scope {
  return (name) => parameter(prefix + name);
}

/** Every `factor`² cells as one with all their channels: `[B, H, W, C]` → `[B, H / f, W / f, f · f · C]`. */
function mergeCells(x: tf.Tensor4D, factor: number): tf.Tensor4D {
  const [batchSize, height, width, channels] = x.shape;
  const [rows, columns] = [height / factor, width / factor];
  const tiles = tf.reshape(x, [batchSize * rows, factor, columns, factor * channels]);
  return tf.reshape(tf.transpose(tiles, [0, 2, 1, 3]), [batchSize, rows, columns, factor * factor * channels]);
}
