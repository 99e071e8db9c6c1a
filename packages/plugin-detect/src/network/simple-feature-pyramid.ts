import * as tf from '@tensorflow/tfjs';
import {
  gelu,
  layerNorm,
  layerNormSpecs,
  type NamedTensors,
  normedConv,
  normedConvSpecs,
  type ParameterSpecs,
  prefixed,
  type Scope,
  scope,
  transposedConv2d,
  transposedConv2dSpecs,
} from '@mae-tasks/core-mae/task';

const PREFIX = 'backbone.simfp_';

/** How much finer than the encoder's map the levels are that have convolutions of their own, finest first. */
export const PYRAMID_SCALES: readonly number[] = [4, 2, 1, 1 / 2];

/**
 * The pyramid's parameters (detectron2's `SimpleFeaturePyramid`, whose numbers of layers they keep: `backbone.simfp_2.0.weight`).
 * Level 2 is four times as fine as the encoder's map, level 5 half as fine.
 *
 * @param scales powers of two from 1/4 to 4
 */
export function simplePyramidSpecs(
  embedDim: number,
  channels: number,
  scales: readonly number[] = PYRAMID_SCALES,
): ParameterSpecs {
  const [half, quarter] = [embedDim / 2, embedDim / 4];
  const upsampling = (numIn: number, numOut: number): ParameterSpecs =>
    transposedConv2dSpecs(numIn, numOut, { kernelSize: 2 });
  const levels = scales.map((scale): ParameterSpecs => {
    const [first, numIn] = scale === 4 ? [4, quarter] : scale === 2 ? [1, half] : [scale === 1 ? 0 : 1, embedDim];
    const prefix = prefixOf(scale);
    return {
      ...(scale > 1 ? prefixed(`${prefix}0.`, upsampling(embedDim, half)) : {}),
      ...(scale === 4
        ? { ...prefixed(`${prefix}1.`, layerNormSpecs(half)), ...prefixed(`${prefix}3.`, upsampling(half, quarter)) }
        : {}),
      ...prefixed(`${prefix}${first}.`, normedConvSpecs(numIn, channels, 1)),
      ...prefixed(`${prefix}${first + 1}.`, normedConvSpecs(channels, channels, 3)),
    };
  });
  return Object.assign({}, ...levels) as ParameterSpecs;
}

/**
 * Levels p2 … p6 from the encoder's last map alone (Li et al. 2022, §3): `[B, h, w, D]` → `[B, 4h, 4w, C]`,
 * `[B, 2h, 2w, C]`, `[B, h, w, C]`, `[B, h/2, w/2, C]`, `[B, h/4, w/4, C]`.
 */
export function simplePyramid(parameters: NamedTensors, map: tf.Tensor4D): tf.Tensor4D[] {
  const levels = PYRAMID_SCALES.map((scale) => pyramidLevel(parameters, map, scale));
  return [...levels, halved(levels.at(-1)!)];
}

/** The level that is `scale` times as fine as the encoder's map: `[B, h, w, D]` → `[B, scale·h, scale·w, C]`. */
export function pyramidLevel(parameters: NamedTensors, map: tf.Tensor4D, scale: number): tf.Tensor4D {
  const parameter = scope(parameters, prefixOf(scale));
  const output = (first: number, x: tf.Tensor4D): tf.Tensor4D =>
    normedConv(parameter, `${first + 1}.`, normedConv(parameter, `${first}.`, x));
  switch (scale) {
    case 4:
      return output(4, upsampledTwice(parameter, map));
    case 2:
      return output(1, upsampled(parameter, '0.', map));
    case 1:
      return output(0, map);
    default:
      return output(1, tf.maxPool(map, 1 / scale, 1 / scale, 'valid'));
  }
}

function prefixOf(scale: number): string {
  return `${PREFIX}${4 - Math.log2(scale)}.`;
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
