import * as tf from '@tensorflow/tfjs';

/**
 * Mean cross entropy of logits against target distributions: `[B, K]`, `[B, K]` → scalar. With smoothed one-hot targets
 * this is timm's `LabelSmoothingCrossEntropy`, with mixed ones its `SoftTargetCrossEntropy`; weighted targets need not
 * sum to one.
 */
export function softTargetLoss(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  const logProbabilities = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
  return tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(logProbabilities, targets), 1)));
}

/**
 * Targets of a batch, `[B, K]`: each label's share `1 − smoothing + smoothing / K`, every other class's
 * `smoothing / K`.
 */
export function smoothedTargets(labels: readonly number[], numClasses: number, smoothing: number): Float32Array {
  const targets = new Float32Array(labels.length * numClasses).fill(smoothing / numClasses);
  labels.forEach((label, index) => {
    targets[index * numClasses + label] = 1 - smoothing + smoothing / numClasses;
  });
  return targets;
}

/**
 * The targets times their classes' weights, in place, over the mean weight of the batch: the loss of hard targets is
 * then torch's weighted mean (`CrossEntropyLoss(weight=…)`).
 */
export function weighTargets(targets: Float32Array, weights: readonly number[]): void {
  const numClasses = weights.length;
  const batchSize = targets.length / numClasses;
  let total = 0;
  for (let index = 0; index < targets.length; index++) {
    targets[index]! *= weights[index % numClasses]!;
    total += targets[index]!;
  }
  if (total > 0) for (let index = 0; index < targets.length; index++) targets[index]! *= batchSize / total;
}
