/*
 * decoders/: heads from an encoder's features to scores of classes: what a decoder is (this file), transposed
 * convolutions, linear, UPerNet, the auxiliary head, and where the encoder is tapped.
 * Not here: the loss and the encoder: `loss`, `network`.
 * Called by: `network`, by `choose`.
 */

import { conv2d, conv2dSpecs, normal, type ParameterSpecs, prefixed, scope } from '@mae-tasks/core-mae/task';
import * as tf from '@tensorflow/tfjs';
import type { HeadContext } from './norm.js';

/** What turns maps of tokens into classes. */
export interface Decoder {
  /** Blocks whose tokens it reads, from 0. */
  readonly taps: readonly number[];
  readonly specs: ParameterSpecs;
  /** Pixels of the picture between two of its results, along each axis. */
  readonly stride: number;
  /** C: channels before the classifier. */
  readonly channels: number;
  /**
   * Features before the classifier: `[B, H/p, W/p, D]` for each tap → `[B, H/stride, W/stride, C]`.
   *
   * @param images the normalised pictures `[B, H, W, 3]`, for what is finer than the tokens
   */
  features(context: HeadContext, maps: readonly tf.Tensor4D[], images: tf.Tensor4D): tf.Tensor4D;
}

/**
 * Logits of features, `[B, h, w, C]` → `[B, h, w, K]`. Reads `<prefix>.conv_seg.weight` and `.bias`.
 *
 * @param keepScales `[B, C]`: 0 for channels that are dropped, 1 / keepProbability for the others
 */
export function classifyPixels(
  { parameters }: HeadContext,
  prefix: string,
  features: tf.Tensor4D,
  keepScales?: tf.Tensor,
): tf.Tensor4D {
  const [batchSize, , , channels] = features.shape;
  const kept =
    keepScales === undefined ? features : tf.mul(features, tf.reshape(keepScales, [batchSize, 1, 1, channels]));
  const parameter = scope(parameters, `${prefix}.conv_seg.`);
  return conv2d(kept as tf.Tensor4D, parameter<tf.Tensor4D>('weight'), parameter<tf.Tensor1D>('bias'));
}

/** The classifier's parameters, initialised as mmsegmentation's (`BaseDecodeHead`: normal, 0.01). */
export function classifierSpecs(prefix: string, channels: number, numClasses: number): ParameterSpecs {
  return prefixed(`${prefix}.conv_seg.`, conv2dSpecs(channels, numClasses, { kernelSize: 1, init: normal(0.01) }));
}
