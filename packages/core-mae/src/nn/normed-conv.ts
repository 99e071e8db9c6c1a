import type * as tf from '@tensorflow/tfjs';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { conv2d, conv2dSpecs } from './conv.js';
import { groupNorm, groupsOfEight } from './group-norm.js';
import { layerNorm, layerNormSpecs } from './layer-norm.js';
import { prefixed } from './params.js';
import type { Scope } from './scope.js';

/**
 * What a map's values are normalised over: the channels of each place, or all places and eight channels, which evens out
 * how bright pictures are and how much contrast they have. From few pictures, the second learns far faster.
 */
export type MapNorm = 'layer' | 'group';

/** Reads `<prefix>weight` and `<prefix>bias`: `[B, H, W, C]` → `[B, H, W, C]`. */
export function normalizeMap(parameter: Scope, prefix: string, x: tf.Tensor4D, norm: MapNorm): tf.Tensor4D {
  const [weight, bias] = [parameter<tf.Tensor1D>(`${prefix}weight`), parameter<tf.Tensor1D>(`${prefix}bias`)];
  return norm === 'layer'
    ? (layerNorm(x, weight, bias) as tf.Tensor4D)
    : groupNorm(x, weight, bias, groupsOfEight(x.shape[3]));
}

/**
 * A convolution without bias, then a norm: `[B, H, W, in]` → `[B, H, W, out]`.
 * Reads `<prefix>weight`, `<prefix>norm.weight` and `<prefix>norm.bias`.
 */
export function normedConv(parameter: Scope, prefix: string, x: tf.Tensor4D, norm: MapNorm = 'layer'): tf.Tensor4D {
  return normalizeMap(parameter, `${prefix}norm.`, conv2d(x, parameter(`${prefix}weight`)), norm);
}

/** The parameters of {@link normedConv}. @param init of the weight. Default: PyTorch's own */
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
