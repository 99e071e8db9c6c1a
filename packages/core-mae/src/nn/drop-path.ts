import * as tf from '@tensorflow/tfjs';
import type { Random } from '../contracts/random.js';

/**
 * Scales each picture's residual branch (stochastic depth, Huang et al. 2016): `[N, B, D]` → `[N, B, D]`.
 *
 * @param keepScale `[B]`: 0 where the branch is dropped, 1 / keepProbability where it is kept
 */
export function dropPath(branch: tf.Tensor3D, keepScale: tf.Tensor1D): tf.Tensor3D {
  return tf.mul(branch, tf.reshape(keepScale, [1, -1, 1]));
}

/**
 * Drop rates of `depth` blocks, rising linearly from 0 to `dropPathRate` (timm's `VisionTransformer`).
 */
export function dropPathRates(depth: number, dropPathRate: number): number[] {
  return Array.from({ length: depth }, (_, index) => (depth === 1 ? 0 : (dropPathRate * index) / (depth - 1)));
}

/**
 * Keep scales for one batch, `[depth, 2, B]`: the attention and the MLP branch of each block draw independently.
 */
export function drawDropPathScales(rates: readonly number[], batchSize: number, random: Random): Float32Array {
  const scales = new Float32Array(rates.length * 2 * batchSize);
  rates.forEach((rate, block) => {
    const keep = 1 - rate;
    for (let i = 0; i < 2 * batchSize; i++) {
      scales[block * 2 * batchSize + i] = random.uniform() < keep ? 1 / keep : 0;
    }
  });
  return scales;
}
