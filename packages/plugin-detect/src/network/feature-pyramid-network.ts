import * as tf from '@tensorflow/tfjs';
import {
  layerNormSpecs,
  type NamedTensors,
  type ParameterSpecs,
  prefixed,
  type Scope,
  scope,
  transposedConv2dSpecs,
  xavierByFanIn,
  normedConv,
  normedConvSpecs,
} from '@mae-tasks/core-mae/task';
import { halved, upsampled, upsampledTwice } from './simple-feature-pyramid.js';

const PREFIX = 'backbone.fpn_';

/**
 * Parameters of a feature pyramid network on four maps of one size, as MAE's detectors had it (He et al. 2022, §A.3;
 * Li et al. 2021, "Benchmarking Detection Transfer Learning with Vision Transformers").
 */
export function pyramidNetworkSpecs(embedDim: number, channels: number): ParameterSpecs {
  const [half, quarter] = [embedDim / 2, embedDim / 4];
  const upsampling = (numIn: number, numOut: number): ParameterSpecs =>
    transposedConv2dSpecs(numIn, numOut, { kernelSize: 2 });
  const level = (index: number, numIn: number): ParameterSpecs => ({
    ...prefixed(`${PREFIX}${index}.lateral.`, normedConvSpecs(numIn, channels, 1, xavierByFanIn)),
    ...prefixed(`${PREFIX}${index}.output.`, normedConvSpecs(channels, channels, 3, xavierByFanIn)),
  });
  return {
    ...prefixed(`${PREFIX}2.0.`, upsampling(embedDim, half)),
    ...prefixed(`${PREFIX}2.1.`, layerNormSpecs(half)),
    ...prefixed(`${PREFIX}2.3.`, upsampling(half, quarter)),
    ...level(2, quarter),
    ...prefixed(`${PREFIX}3.0.`, upsampling(embedDim, half)),
    ...level(3, half),
    ...level(4, embedDim),
    ...level(5, embedDim),
  };
}

/**
 * Levels p2 … p6 from four maps of growing depth, `[B, h, w, D]` each: resized by 4, 2, 1 and ½, then joined from the
 * coarsest down (Lin et al. 2017). Shapes as of the simple pyramid.
 */
export function pyramidNetwork(parameters: NamedTensors, maps: readonly tf.Tensor4D[]): tf.Tensor4D[] {
  const level = (index: number): Scope => scope(parameters, `${PREFIX}${index}.`);
  const [finest, fine, same, coarsest] = maps as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const scaled = [
    upsampledTwice(level(2), finest),
    upsampled(level(3), '0.', fine),
    same,
    tf.maxPool(coarsest, 2, 2, 'valid'),
  ];
  const laterals = scaled.map((x, index) => normedConv(level(index + 2), 'lateral.', x));
  const outputs: tf.Tensor4D[] = [];
  let above: tf.Tensor4D | undefined;
  for (let index = 3; index >= 0; index--) {
    const lateral = laterals[index]!;
    const joined: tf.Tensor4D = above === undefined ? lateral : tf.add(lateral, doubled(above));
    outputs.unshift(normedConv(level(index + 2), 'output.', joined));
    above = joined;
  }
  return [...outputs, halved(outputs[3]!)];
}

/**
 * Each pixel four times: once beside itself, then each row once below itself. (The gradient of
 * `tf.image.resizeNearestNeighbor` is wrong on TF.js's JavaScript backend.)
 */
function doubled(x: tf.Tensor4D): tf.Tensor4D {
  const [batchSize, height, width, channels] = x.shape;
  const wide = tf.reshape(tf.concat([x, x], -1), [batchSize, height, 2 * width * channels]);
  return tf.reshape(tf.concat([wide, wide], -1), [batchSize, 2 * height, 2 * width, channels]);
}
