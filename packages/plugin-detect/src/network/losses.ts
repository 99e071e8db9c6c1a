import * as tf from '@tensorflow/tfjs';
import { type BoxWeights, MAX_LOG_SCALE } from '../boxes/box-codec.js';
import type { BoxLoss } from './detector-config.js';

/** Cross entropy of a sigmoid, element by element, for logits of any size: log(1 + eˣ) − y·x. */
export function binaryCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return tf.sub(tf.softplus(logits), tf.mul(targets, logits));
}

/** Cross entropy of a softmax, row by row: `[R, K]`, int32 `[R]` → `[R]`. */
export function crossEntropy(logits: tf.Tensor2D, classes: tf.Tensor1D): tf.Tensor1D {
  const chosen = tf.cast(tf.oneHot(classes, logits.shape[1]), 'float32');
  return tf.neg(tf.sum<tf.Tensor1D>(tf.mul(tf.logSoftmax(logits), chosen), -1));
}

/** What regressed boxes are compared with. */
export interface BoxTargets {
  /** `[R, 4]`: deltas for smooth-L1, boxes `[x0, y0, x1, y1]` for GIoU. */
  readonly targets: tf.Tensor2D;
  /** `[R]`: what each row counts; 0 for one without a target. */
  readonly weights: tf.Tensor1D;
  /** `[R, 4]`: the boxes that the deltas change. Read by GIoU only. */
  readonly from: tf.Tensor2D;
}

/** The weighted sum over rows of the box loss (detectron2's `_dense_box_regression_loss`): `[R, 4]` → scalar. */
export function boxRegressionLoss(
  deltas: tf.Tensor2D,
  { targets, weights, from }: BoxTargets,
  loss: BoxLoss,
  codecWeights: BoxWeights,
): tf.Scalar {
  const rows =
    loss.kind === 'smooth-l1'
      ? tf.sum<tf.Tensor1D>(smoothL1(tf.sub(deltas, targets), loss.beta), -1)
      : generalizedIouLoss(decodeBoxes(deltas, from, codecWeights), targets);
  return tf.sum(tf.mul(rows, weights));
}

/** |x| − β/2, and x²/2β where |x| < β; |x| for β = 0. */
function smoothL1(x: tf.Tensor, beta: number): tf.Tensor {
  // Unlike that of `tf.abs`, the gradient of this sum is 0 at 0.
  const size = tf.add(tf.relu(x), tf.relu(tf.neg(x)));
  if (beta === 0) return size;
  const inner = tf.minimum(size, beta);
  return tf.add(tf.div(tf.square(inner), 2 * beta), tf.sub(size, inner));
}

/** The boxes that deltas make of others, growth limited: `[R, 4]`, `[R, 4]` → `[R, 4]`. */
function decodeBoxes(deltas: tf.Tensor2D, from: tf.Tensor2D, weights: BoxWeights): tf.Tensor2D {
  const [dx, dy, dw, dh] = tf.unstack(tf.div(deltas, tf.tensor1d([...weights])), -1) as Four;
  const [x0, y0, x1, y1] = tf.unstack(from, -1) as Four;
  const [width, height] = [tf.sub(x1, x0), tf.sub(y1, y0)];
  const x = tf.add(tf.add(x0, tf.mul(width, 0.5)), tf.mul(dx, width));
  const y = tf.add(tf.add(y0, tf.mul(height, 0.5)), tf.mul(dy, height));
  const halfWidth = tf.mul(tf.mul(tf.exp(tf.minimum(dw, MAX_LOG_SCALE)), width), 0.5);
  const halfHeight = tf.mul(tf.mul(tf.exp(tf.minimum(dh, MAX_LOG_SCALE)), height), 0.5);
  return tf.stack(
    [tf.sub(x, halfWidth), tf.sub(y, halfHeight), tf.add(x, halfWidth), tf.add(y, halfHeight)],
    -1,
  ) as tf.Tensor2D;
}

type Four = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];

/** Keeps the quotients of boxes without area finite (fvcore's `giou_loss` uses the same). */
const EPS = 1e-7;

/** 1 − GIoU of boxes row by row (Rezatofighi et al. 2019): `[R, 4]`, `[R, 4]` → `[R]`. */
export function generalizedIouLoss(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor1D {
  const [ax0, ay0, ax1, ay1] = tf.unstack(a, -1) as Four;
  const [bx0, by0, bx1, by1] = tf.unstack(b, -1) as Four;
  const area = (x0: tf.Tensor, y0: tf.Tensor, x1: tf.Tensor, y1: tf.Tensor): tf.Tensor =>
    tf.mul(tf.sub(x1, x0), tf.sub(y1, y0));
  const shared = tf.mul(
    tf.relu(tf.sub(tf.minimum(ax1, bx1), tf.maximum(ax0, bx0))),
    tf.relu(tf.sub(tf.minimum(ay1, by1), tf.maximum(ay0, by0))),
  );
  const union = tf.sub(tf.add(area(ax0, ay0, ax1, ay1), area(bx0, by0, bx1, by1)), shared);
  const around = area(tf.minimum(ax0, bx0), tf.minimum(ay0, by0), tf.maximum(ax1, bx1), tf.maximum(ay1, by1));
  const overlap = tf.div(shared, tf.add(union, EPS));
  const empty = tf.div(tf.sub(around, union), tf.add(around, EPS));
  return tf.add(tf.sub(1, overlap), empty);
}
