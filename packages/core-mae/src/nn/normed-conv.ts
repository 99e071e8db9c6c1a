import type * as tf from '@tensorflow/tfjs';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { conv2d, conv2dSpecs } from './conv.js';
import { layerNorm, layerNormSpecs } from './layer-norm.js';
import { prefixed } from './params.js';
import type { Scope } from './scope.js';

/**
 * A convolution without bias, then a layer norm over channels: `[B, H, W, in]` → `[B, H, W, out]`.
 * Reads `<prefix>weight`, `<prefix>norm.weight` and `<prefix>norm.bias`.
 */
export function normedConv(parameter: Scope, prefix: string, x: tf.Tensor4D): tf.Tensor4D {
  const convolved = conv2d(x, parameter(`${prefix}weight`));
  return layerNorm(convolved, parameter(`${prefix}norm.weight`), parameter(`${prefix}norm.bias`)) as tf.Tensor4D;
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
