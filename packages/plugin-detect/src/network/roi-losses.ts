import * as tf from '@tensorflow/tfjs';
import type { BoxStage } from './box-stages.js';
import type { DetectorConfig } from './detector-config.js';
import { binaryCrossEntropy, boxRegressionLoss, crossEntropy } from './losses.js';
import type { BoxHeadOutputs } from './roi-heads.js';

/** What the box head is compared with; R regions, some of them padding. */
export interface BoxHeadTargets {
  /** int32 `[R]`: 0 … numClasses − 1, or numClasses for background. */
  readonly classes: tf.Tensor1D;
  /** `[R]`: 1 over the number of regions, 0 for padding. */
  readonly weights: tf.Tensor1D;
  /** `[R, 4]`: deltas or boxes, read for objects only. */
  readonly boxes: tf.Tensor2D;
  /** `[R, 4]`: the proposals. */
  readonly proposals: tf.Tensor2D;
}

/** Mean cross entropy over the regions, and the objects' box loss over as many (detectron2's `FastRCNNOutputLayers.losses`). */
export function boxHeadLosses(
  { logits, deltas }: BoxHeadOutputs,
  { classes, weights, boxes, proposals }: BoxHeadTargets,
  { numClasses, boxHead }: DetectorConfig,
  { boxWeights, numBoxes }: BoxStage,
): { readonly classification: tf.Scalar; readonly regression: tf.Scalar } {
  // Background is past the end, and so a row of zeros.
  const chosen = tf.cast(tf.oneHot(classes, numClasses), 'float32'); // [R, K]
  const ownDeltas = // [R, 4]
    numBoxes === 1
      ? tf.reshape<tf.Rank.R2>(deltas, [-1, 4])
      : tf.sum<tf.Tensor2D>(tf.mul(deltas, tf.expandDims(chosen, -1)), 1);
  const isObject = tf.sum(chosen, -1);
  const targets = { targets: boxes, weights: tf.mul<tf.Tensor1D>(weights, isObject), from: proposals };
  return {
    classification: tf.sum(tf.mul(crossEntropy(logits, classes), weights)),
    regression: boxRegressionLoss(ownDeltas, targets, boxHead.boxLoss, boxWeights),
  };
}

/**
 * Mean binary cross entropy over the pixels of the regions' masks (detectron2's `mask_rcnn_loss`).
 *
 * @param logits `[M, S, S]`
 * @param targets `[M, S, S]`, 0 and 1
 * @param weights `[M]`: 1 over the number of masks, 0 for padding
 */
export function maskLoss(logits: tf.Tensor3D, targets: tf.Tensor3D, weights: tf.Tensor1D): tf.Scalar {
  const perRegion = tf.mean(binaryCrossEntropy(logits, targets), [1, 2]);
  return tf.sum(tf.mul(perRegion, weights));
}
