import type * as tf from '@tensorflow/tfjs';
import { gelu } from './gelu.js';
import { linear, linearSpecs } from './linear.js';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { prefixed } from './params.js';
import type { Scope } from './scope.js';

/** Two linear layers with a GELU between (timm's `Mlp`): `[..., D]` → `[..., D]`. Reads `fc1.*` and `fc2.*`. */
export function mlp(parameter: Scope, x: tf.Tensor): tf.Tensor {
  const hidden = gelu(linear(x, parameter<tf.Tensor2D>('fc1.weight'), parameter<tf.Tensor1D>('fc1.bias')));
  return linear(hidden, parameter<tf.Tensor2D>('fc2.weight'), parameter<tf.Tensor1D>('fc2.bias'));
}

export function mlpSpecs(width: number, hiddenWidth: number): ParameterSpecs {
  return {
    ...prefixed('fc1.', linearSpecs(width, hiddenWidth)),
    ...prefixed('fc2.', linearSpecs(hiddenWidth, width)),
  };
}
