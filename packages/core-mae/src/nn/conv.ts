import * as tf from '@tensorflow/tfjs';
import { type Shape, sizeOf } from '../contracts/tensor.js';
import type { Initializer, ParameterSpecs } from '../contracts/parameters.js';
import { normal, zeros } from './init.js';
import { linear } from './linear.js';

/**
 * A convolution with zeros beyond the picture's borders: `[B, H, W, in]` → `[B, ⌈H/s⌉, ⌈W/s⌉, out]`.
 *
 * @param weight `[out, in, k, k]`, PyTorch's layout; `k` odd
 * @param bias `[out]`
 * @param stride `s`; where it is 2, zeros lie below and to the right of pictures of even size, as TensorFlow has them
 */
export function conv2d(x: tf.Tensor4D, weight: tf.Tensor4D, bias?: tf.Tensor1D, stride: 1 | 2 = 1): tf.Tensor4D {
  const [numOut, numIn, kernelSize] = weight.shape;
  // A pixel that sees only itself is a row of a matrix.
  if (kernelSize === 1 && stride === 1) return linear(x, tf.reshape(weight, [numOut, numIn]), bias) as tf.Tensor4D;
  const filter = tf.transpose(weight, [2, 3, 1, 0]); // [k, k, in, out]
  const result = tf.conv2d(x, filter, stride, 'same');
  return bias === undefined ? result : tf.add(result, bias);
}

/**
 * A transposed convolution whose stride is its kernel's size, so that every pixel becomes a tile of its own:
 * `[B, H, W, in]` → `[B, k·H, k·W, out]`.
 *
 * @param weight `[in, out, k, k]`, PyTorch's layout
 * @param bias `[out]`
 */
export function transposedConv2d(x: tf.Tensor4D, weight: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D {
  const [batchSize, height, width, numIn] = x.shape;
  const [, numOut, k] = weight.shape;
  const matrix = tf.reshape<tf.Rank.R2>(tf.transpose(weight, [0, 2, 3, 1]), [numIn, k * k * numOut]);
  const rows = tf.matMul(tf.reshape<tf.Rank.R2>(x, [batchSize * height * width, numIn]), matrix);
  const tiles = tf.reshape(rows, [batchSize * height, width, k, k * numOut]);
  const interleaved = tf.transpose(tiles, [0, 2, 1, 3]); // [B·H, k, W, k·out]
  return tf.add(tf.reshape(interleaved, [batchSize, k * height, k * width, numOut]), bias);
}

export interface ConvSpecOptions {
  readonly kernelSize: number;
  /** Default: {@link uniformByFanIn}, PyTorch's own. */
  readonly init?: Initializer;
  /** Default `true`; a convolution before a norm has none. */
  readonly bias?: boolean;
  /** Default: PyTorch's own where `init` is, else zeros. */
  readonly biasInit?: Initializer;
}

/** A convolution's parameters: `weight` `[out, in, k, k]` and `bias` `[out]`. */
export function conv2dSpecs(numIn: number, numOut: number, options: ConvSpecOptions): ParameterSpecs {
  return specs([numOut, numIn, options.kernelSize, options.kernelSize], numOut, options);
}

/** A transposed convolution's parameters: `weight` `[in, out, k, k]` and `bias` `[out]`. */
export function transposedConv2dSpecs(numIn: number, numOut: number, options: ConvSpecOptions): ParameterSpecs {
  return specs([numIn, numOut, options.kernelSize, options.kernelSize], numOut, options);
}

function specs(shape: Shape, numOut: number, { init, bias = true, biasInit }: ConvSpecOptions): ParameterSpecs {
  const weight = { shape, init: init ?? uniformByFanIn };
  if (!bias) return { weight };
  const defaultBias = init === undefined ? uniformIn(1 / Math.sqrt(fanInOf(shape))) : zeros;
  return { weight, bias: { shape: [numOut], init: biasInit ?? defaultBias } };
}

/** Uniform in ±1/√fanIn, the fan-in being all but the first axis: what PyTorch gives a new convolution. */
export const uniformByFanIn: Initializer = (shape, random) => uniformIn(1 / Math.sqrt(fanInOf(shape)))(shape, random);

/**
 * Normal values of variance 2 / fanOut (He et al. 2015), for convolutions before a ReLU: `c2_msra_fill` of detectron2.
 */
export const normalByFanOut: Initializer = (shape, random) => {
  const fanOut = shape[0]! * sizeOf(shape.slice(2));
  return normal(Math.sqrt(2 / fanOut))(shape, random);
};

/** Uniform in ±√(3 / fanIn): `c2_xavier_fill` of detectron2, for linear layers and the convolutions of an FPN. */
export const xavierByFanIn: Initializer = (shape, random) => uniformIn(Math.sqrt(3 / fanInOf(shape)))(shape, random);

function fanInOf(shape: Shape): number {
  return sizeOf(shape.slice(1));
}

function uniformIn(bound: number): Initializer {
  return (shape, random) => Float32Array.from({ length: sizeOf(shape) }, () => (2 * random.uniform() - 1) * bound);
}
