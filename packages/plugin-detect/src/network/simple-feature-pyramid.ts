import * as tf from '@tensorflow/tfjs';
import {
  conv2d,
  conv2dSpecs,
  gelu,
  layerNorm,
  layerNormSpecs,
  type NamedTensors,
  type ParameterSpecs,
  prefixed,
  type Scope,
  scope,
  transposedConv2d,
  transposedConv2dSpecs,
} from '@mae-tasks/core-mae/task';

const PREFIX = 'backbone.simfp_';

/**
 * The pyramid's parameters (detectron2's `SimpleFeaturePyramid`, whose numbers of layers they keep: `backbone.simfp_2.0.weight`).
 * Level 2 is four times as fine as the encoder's map, level 5 half as fine.
 */
export function simplePyramidSpecs(embedDim: number, channels: number): ParameterSpecs {
  const [half, quarter] = [embedDim / 2, embedDim / 4];
  const upsampling = (numIn: number, numOut: number): ParameterSpecs =>
    transposedConv2dSpecs(numIn, numOut, { kernelSize: 2 });
  const output = (level: number, first: number, numIn: number): ParameterSpecs => ({
    ...prefixed(`${PREFIX}${level}.${first}.`, normedConvSpecs(numIn, channels, 1)),
    ...prefixed(`${PREFIX}${level}.${first + 1}.`, normedConvSpecs(channels, channels, 3)),
  });
  return {
    ...prefixed(`${PREFIX}2.0.`, upsampling(embedDim, half)),
    ...prefixed(`${PREFIX}2.1.`, layerNormSpecs(half)),
    ...prefixed(`${PREFIX}2.3.`, upsampling(half, quarter)),
    ...output(2, 4, quarter),
    ...prefixed(`${PREFIX}3.0.`, upsampling(embedDim, half)),
    ...output(3, 1, half),
    ...output(4, 0, embedDim),
    ...output(5, 1, embedDim),
  };
}

/**
 * Levels p2 … p6 from the encoder's last map alone (Li et al. 2022, §3): `[B, h, w, D]` → `[B, 4h, 4w, C]`,
 * `[B, 2h, 2w, C]`, `[B, h, w, C]`, `[B, h/2, w/2, C]`, `[B, h/4, w/4, C]`.
 */
export function simplePyramid(parameters: NamedTensors, map: tf.Tensor4D): tf.Tensor4D[] {
  const level = (index: number): Scope => scope(parameters, `${PREFIX}${index}.`);
  const output = (index: number, first: number, x: tf.Tensor4D): tf.Tensor4D => {
    const parameter = level(index);
    return normedConv(parameter, `${first + 1}.`, normedConv(parameter, `${first}.`, x));
  };
  const p5 = output(5, 1, tf.maxPool(map, 2, 2, 'valid'));
  return [
    output(2, 4, upsampledTwice(level(2), map)),
    output(3, 1, upsampled(level(3), '0.', map)),
    output(4, 0, map),
    p5,
    halved(p5),
  ];
}

/** Every other pixel: detectron2's `LastLevelMaxPool`. */
export function halved(x: tf.Tensor4D): tf.Tensor4D {
  return tf.maxPool(x, 1, 2, 'valid');
}

/** `[B, h, w, D]` → `[B, 4h, 4w, D/4]`. Reads `0.*`, `1.*` (a norm) and `3.*`. */
export function upsampledTwice(parameter: Scope, x: tf.Tensor4D): tf.Tensor4D {
  const normed = layerNorm(upsampled(parameter, '0.', x), parameter('1.weight'), parameter('1.bias'));
  return upsampled(parameter, '3.', gelu(normed) as tf.Tensor4D);
}

/** `[B, h, w, in]` → `[B, 2h, 2w, out]`. Reads `<prefix>weight` and `<prefix>bias`. */
export function upsampled(parameter: Scope, prefix: string, x: tf.Tensor4D): tf.Tensor4D {
  return transposedConv2d(x, parameter(`${prefix}weight`), parameter(`${prefix}bias`));
}

/**
 * A convolution without bias, then a layer norm over channels: `[B, H, W, in]` → `[B, H, W, out]`.
 * Reads `<prefix>weight`, `<prefix>norm.weight` and `<prefix>norm.bias`.
 */
export function normedConv(parameter: Scope, prefix: string, x: tf.Tensor4D): tf.Tensor4D {
  const convolved = conv2d(x, parameter(`${prefix}weight`));
  return layerNorm(convolved, parameter(`${prefix}norm.weight`), parameter(`${prefix}norm.bias`)) as tf.Tensor4D;
}

export function normedConvSpecs(
  numIn: number,
  numOut: number,
  kernelSize: number,
  init?: ParameterSpecs[string]['init'],
): ParameterSpecs {
  return {
    ...conv2dSpecs(numIn, numOut, { kernelSize, bias: false, ...(init === undefined ? {} : { init }) }),
    ...prefixed('norm.', layerNormSpecs(numOut)),
  };
}
