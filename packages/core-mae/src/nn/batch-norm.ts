import * as tf from '@tensorflow/tfjs';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { ones, zeros } from './init.js';
import type { Scope } from './scope.js';

export interface BatchNormOptions {
  /** Whether to normalise by the batch's own statistics. */
  readonly training: boolean;
  /** Default 1e-5, PyTorch's. */
  readonly eps?: number;
  /** Share of the batch in the new running statistics. Default 0.1, PyTorch's. */
  readonly momentum?: number;
}

/** What {@link batchNorm} gives. */
export interface BatchNormResult {
  /** `[..., C]` */
  readonly normed: tf.Tensor;
  /** In training the new `running_mean` and `running_var`; otherwise empty. */
  readonly state: Readonly<Record<string, tf.Tensor>>;
}

/**
 * Normalises each channel over everything else, then scales and shifts: `[..., C]` → `[..., C]` (`torch.nn.BatchNorm2d`
 * with channels last). Training takes the batch's mean and biased variance, and the running variance is the unbiased
 * one; otherwise the running statistics are taken.
 *
 * Reads `weight`, `bias`, `running_mean`, `running_var`, each `[C]`.
 */
export function batchNorm(
  parameter: Scope,
  x: tf.Tensor,
  { training, eps = 1e-5, momentum = 0.1 }: BatchNormOptions,
): BatchNormResult {
  const [runningMean, runningVar] = [parameter('running_mean'), parameter('running_var')];
  const normalize = (mean: tf.Tensor, variance: tf.Tensor): tf.Tensor => {
    const scale = tf.mul(tf.rsqrt(tf.add(variance, eps)), parameter('weight'));
    return tf.add(tf.mul(tf.sub(x, mean), scale), parameter('bias'));
  };
  if (!training) return { normed: normalize(runningMean, runningVar), state: {} };
  const channels = x.shape.at(-1)!;
  const rows = tf.reshape<tf.Rank.R2>(x, [-1, channels]);
  const count = rows.shape[0];
  const mean = tf.mean(rows, 0);
  const variance = tf.mean(tf.square(tf.sub(rows, mean)), 0);
  const unbiased = tf.mul(variance, count / Math.max(1, count - 1));
  const blend = (old: tf.Tensor, now: tf.Tensor): tf.Tensor => tf.add(tf.mul(old, 1 - momentum), tf.mul(now, momentum));
  return {
    normed: normalize(mean, variance),
    state: { running_mean: blend(runningMean, mean), running_var: blend(runningVar, unbiased) },
  };
}

/** A batch norm's parameters; its running statistics are not trained. */
export function batchNormSpecs(channels: number): ParameterSpecs {
  return {
    weight: { shape: [channels], init: ones },
    bias: { shape: [channels], init: zeros },
    running_mean: { shape: [channels], init: zeros, trainable: false },
    running_var: { shape: [channels], init: ones, trainable: false },
  };
}
