import {
  layerNorm,
  layerNormSpecs,
  linear,
  type NamedTensors,
  type ParameterSpecs,
  prefixed,
  truncatedNormal,
  zeros,
} from '@mae-tasks/core-mae/task';
import * as tf from '@tensorflow/tfjs';

export type Pool = 'mean' | 'class-token';

/** The epsilon of linear probing's batch norm (official main_linprobe.py). */
const BATCH_NORM_EPS = 1e-6;
const BATCH_NORM_MOMENTUM = 0.1;

/**
 * Features of pictures: `[1 + L, B, D]` → `[B, D]`. The mean of the patches before its own norm `fc_norm`, or the class
 * token after the encoder's `norm` (official models_vit.py). In linear probing the mean is taken after `norm`, which is
 * pretrained, where `fc_norm` would not be.
 */
export function poolTokens(parameters: NamedTensors, tokens: tf.Tensor3D, options: PoolOptions): tf.Tensor2D {
  const { pool, probe, layerNormEps } = options;
  const [numTokens, batchSize, width] = tokens.shape;
  const norm = (x: tf.Tensor, name: string): tf.Tensor =>
    layerNorm(x, parameters[`${name}.weight`]!, parameters[`${name}.bias`]!, layerNormEps);
  if (pool === 'class-token') {
    const clsToken = tf.slice(tokens, [0, 0, 0], [1, batchSize, width]);
    return tf.reshape(norm(clsToken, 'norm'), [batchSize, width]);
  }
  const patches = tf.slice(tokens, [1, 0, 0], [numTokens - 1, batchSize, width]);
  if (probe) return tf.mean(norm(patches, 'norm'), 0);
  return norm(tf.mean(patches, 0), 'fc_norm') as tf.Tensor2D;
}

export interface PoolOptions {
  readonly pool: Pool;
  /** Whether the encoder is frozen. */
  readonly probe: boolean;
  /** The encoder's, whose norm it is. Default 1e-6. */
  readonly layerNormEps?: number | undefined;
}

/** The norm that {@link poolTokens} reads. */
export function poolSpecs(width: number, { pool, probe }: PoolOptions): ParameterSpecs {
  if (pool === 'mean' && !probe) return prefixed('fc_norm.', layerNormSpecs(width));
  const specs = prefixed('norm.', layerNormSpecs(width));
  if (!probe) return specs;
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, { ...spec, trainable: false }]));
}

/** The linear classifier's parameters, initialised as in main_finetune.py (`trunc_normal_(std=2e-5)`). */
export function linearHeadSpecs(width: number, numClasses: number): ParameterSpecs {
  return {
    'head.weight': { shape: [numClasses, width], init: truncatedNormal(2e-5) },
    'head.bias': { shape: [numClasses], init: zeros },
  };
}

/** `[B, D]` → logits `[B, K]`. Reads `head.weight` and `head.bias`. */
export function linearHead(parameters: NamedTensors, features: tf.Tensor2D): tf.Tensor2D {
  return linear(
    features,
    parameters['head.weight'] as tf.Tensor2D,
    parameters['head.bias'] as tf.Tensor1D,
  ) as tf.Tensor2D;
}

/**
 * Linear probing's classifier: a batch norm without scale and shift before the linear layer (official
 * main_linprobe.py, `torch.nn.Sequential(BatchNorm1d(affine=False, eps=1e-6), head)`).
 */
export function probeHeadSpecs(width: number, numClasses: number): ParameterSpecs {
  return {
    'head.0.running_mean': { shape: [width], init: zeros, trainable: false },
    'head.0.running_var': { shape: [width], init: (shape) => new Float32Array(shape[0]!).fill(1), trainable: false },
    'head.1.weight': { shape: [numClasses, width], init: truncatedNormal(0.01) },
    'head.1.bias': { shape: [numClasses], init: zeros },
  };
}

/**
 * `[B, D]` → logits `[B, K]` and, in training, the new running statistics as `state.…` outputs. Training normalises by
 * the batch's mean and biased variance; the running variance is the unbiased one (`torch.nn.BatchNorm1d`).
 */
export function probeHead(
  parameters: NamedTensors,
  features: tf.Tensor2D,
  { training }: { readonly training: boolean },
): { logits: tf.Tensor2D; state: Record<string, tf.Tensor> } {
  const [runningMean, runningVar] = [parameters['head.0.running_mean']!, parameters['head.0.running_var']!];
  const classify = (mean: tf.Tensor, variance: tf.Tensor): tf.Tensor2D => {
    const normed = tf.mul<tf.Tensor2D>(tf.sub(features, mean), tf.rsqrt(tf.add(variance, BATCH_NORM_EPS)));
    const { 'head.1.weight': weight, 'head.1.bias': bias } = parameters;
    return linear(normed, weight as tf.Tensor2D, bias as tf.Tensor1D) as tf.Tensor2D;
  };
  if (!training) return { logits: classify(runningMean, runningVar), state: {} };
  const batchSize = features.shape[0];
  const mean = tf.mean(features, 0);
  const variance = tf.mean(tf.square(tf.sub(features, mean)), 0);
  const unbiased = tf.mul(variance, batchSize / Math.max(1, batchSize - 1));
  const blend = (old: tf.Tensor, now: tf.Tensor): tf.Tensor =>
    tf.add(tf.mul(old, 1 - BATCH_NORM_MOMENTUM), tf.mul(now, BATCH_NORM_MOMENTUM));
  return {
    logits: classify(mean, variance),
    state: {
      'state.head.0.running_mean': blend(runningMean, mean),
      'state.head.0.running_var': blend(runningVar, unbiased),
    },
  };
}
