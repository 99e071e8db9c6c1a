import * as tf from '@tensorflow/tfjs';
import { binaryCrossEntropy, generalizedIouLoss } from '../network/losses.js';
import type { OneStageOutputs } from './head.js';

/** What the points are compared with; made by `targets.ts`. */
export interface PointTargets {
  /** `[B, P, K]`: how well the point's box fits its object, at the object's class; else 0. */
  readonly scores: tf.Tensor3D;
  /** `[B, P]`: the same, whatever the class: what the point counts in the losses of boxes. */
  readonly weights: tf.Tensor2D;
  /** `[B, P, 4]`: the object's box, in pixels. Of points without an object, any. */
  readonly boxes: tf.Tensor3D;
  /** `[B, P, 4]`: the distances of its sides in strides, from 0 to below regMax − 1. */
  readonly distances: tf.Tensor3D;
  /** One over the sum of all weights. */
  readonly scale: tf.Scalar;
}

export interface PointLosses {
  /** Binary cross entropy of the classes (Feng et al. 2021, eq. 8, without a focal factor). */
  readonly classification: tf.Scalar;
  /** 1 − GIoU (Rezatofighi et al. 2019). */
  readonly box: tf.Scalar;
  /** Cross entropy of the distances (Li et al. 2020, eq. 6). */
  readonly distribution: tf.Scalar;
}

/** The three losses of all points, each summed with its weights and divided by the sum of the weights. */
export function pointLosses({ logits, distances, boxes }: OneStageOutputs, targets: PointTargets): PointLosses {
  const { scores, weights, scale } = targets;
  const flatWeights = tf.reshape<tf.Rank.R1>(weights, [-1]);
  const rows = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, 4]);
  const overlap = generalizedIouLoss(rows(boxes), rows(targets.boxes));
  const perSide = tf.reshape<tf.Rank.R2>(distributionFocalLoss(distances, targets.distances), [-1, 4]);
  const sum = (x: tf.Tensor): tf.Scalar => tf.mul(tf.sum(x), scale);
  return {
    classification: sum(binaryCrossEntropy(logits, scores)),
    box: sum(tf.mul(overlap, flatWeights)),
    distribution: sum(tf.mul(tf.mean(perSide, -1), flatWeights)),
  };
}

/**
 * Cross entropy of the distributions with the two bins beside the true distance, each counting by how near it is (Li et
 * al. 2020, eq. 6): `[B, P, 4, bins]`, `[B, P, 4]` → `[B, P, 4]`.
 */
function distributionFocalLoss(logits: tf.Tensor4D, targets: tf.Tensor3D): tf.Tensor3D {
  const numBins = logits.shape[3];
  const away = tf.sub(tf.range(0, numBins), tf.expandDims(targets, -1));
  const nearness = tf.relu(tf.sub(1, tf.add(tf.relu(away), tf.relu(tf.neg(away))))); // [B, P, 4, bins]
  const flat = tf.reshape<tf.Rank.R2>(logits, [-1, numBins]);
  const chosen = tf.mul(tf.logSoftmax(flat), tf.reshape(nearness, flat.shape));
  return tf.neg(tf.reshape(tf.sum(chosen, -1), targets.shape));
}
