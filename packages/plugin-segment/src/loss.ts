import * as tf from '@tensorflow/tfjs';

/** The label of pixels that do not count. */
export const IGNORE_INDEX = 255;

/** Which pixels online hard example mining keeps. */
export interface OhemOptions {
  /** Pixels whose class is less probable than this are kept; null keeps those of the largest loss. */
  readonly thresh: number | null;
  /** Pixels of the whole batch that are kept at least, where there are as many. */
  readonly minKept: number;
}

/**
 * Weighted sum of the pixels' cross entropies: logits `[N, K]`, labels `[N]`, weights `[N]` → scalar. The weights bring
 * the division by their sum along, so that this is torch's weighted mean (`CrossEntropyLoss(weight=…, ignore_index=255)`)
 * and 0 where nothing counts. Ignored pixels weigh nothing.
 *
 * The gradient is written out, (softmax − one-hot) · weight: nothing of the size of the logits is kept for it but them.
 */
export function pixelCrossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  weights: tf.Tensor1D,
  ohem?: OhemOptions,
): tf.Scalar {
  const evaluate = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor2D, tf.GradSaveFunc];
    const perPixel = crossEntropyOf(x, labels);
    const kept = ohem === undefined ? weights : tf.mul<tf.Tensor1D>(weights, hardPixels(perPixel, weights, ohem));
    save([x, kept, labels]);
    return {
      value: tf.sum(tf.mul(perPixel, kept)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [savedLogits, savedWeights, savedLabels] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D];
        const difference = tf.sub(tf.softmax(savedLogits), oneHot(savedLabels, savedLogits.shape[1]));
        return tf.mul(difference, tf.reshape(tf.mul(savedWeights, dy), [-1, 1]));
      },
    };
  });
  return evaluate(logits) as tf.Scalar;
}

/** `[N, K]`, `[N]` → `[N]`; for a label that is no class, the logarithm of the sum of exponentials. */
function crossEntropyOf(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  const largest = tf.max(logits, 1, true);
  const logSum = tf.add(tf.log(tf.sum(tf.exp(tf.sub(logits, largest)), 1, true)), largest);
  const own = tf.sum(tf.mul(logits, oneHot(labels, logits.shape[1])), 1);
  return tf.sub(tf.reshape(logSum, [-1]), own);
}

/** `[N]` → `[N, K]`: 1 at the label, nothing for a label that is no class. */
export function oneHot(labels: tf.Tensor1D, numClasses: number): tf.Tensor2D {
  const classes = tf.reshape(tf.tensor1d(Int32Array.from({ length: numClasses }, (_, index) => index)), [1, -1]);
  return tf.cast(tf.equal(tf.reshape(labels, [-1, 1]), classes), 'float32') as tf.Tensor2D;
}

/**
 * 1 for the pixels that mining keeps, 0 for the others: `[N]` → `[N]` (mmsegmentation's `OHEMPixelSampler`). Shapes are
 * fixed: ignored pixels are sorted to the end instead of being taken out.
 */
function hardPixels(perPixel: tf.Tensor1D, weights: tf.Tensor1D, { thresh, minKept }: OhemOptions): tf.Tensor1D {
  const counted = tf.greater(weights, 0);
  const place = Math.min(minKept, perPixel.shape[0] - 1);
  if (thresh === null) {
    // Those of the largest loss; the place is the last that is kept.
    const losses = tf.where(counted, perPixel, tf.fill(perPixel.shape, -1));
    const smallest = largestAt(losses, Math.min(minKept, perPixel.shape[0]) - 1);
    return tf.mul(tf.cast(tf.greaterEqual(losses, smallest), 'float32'), tf.cast(counted, 'float32'));
  }
  const probabilities = tf.exp(tf.neg(perPixel));
  const ascending = tf.where(counted, probabilities, tf.fill(perPixel.shape, 2));
  const atPlace = tf.neg(largestAt(tf.neg(ascending), place));
  // With fewer counted pixels than places, the least hard one is the bound.
  const highest = tf.max(tf.where(counted, probabilities, tf.fill(perPixel.shape, -1)));
  const bound = tf.maximum(tf.minimum(atPlace, highest), thresh);
  return tf.mul(tf.cast(tf.less(probabilities, bound), 'float32'), tf.cast(counted, 'float32'));
}

/** The value at a place, from 0, of the values in falling order. */
function largestAt(values: tf.Tensor1D, place: number): tf.Tensor {
  const { values: sorted } = tf.topk(values, place + 1);
  return tf.reshape(tf.slice(sorted, [place], [1]), []);
}

/**
 * One minus the Dice overlap of probabilities and classes, the mean over pictures and classes: logits `[B, P, K]`, labels
 * `[B, P]` → scalar (Milletari et al. 2016, squared terms below; mmsegmentation's `DiceLoss` with its `smooth` of 1, but
 * ignored pixels count nowhere).
 *
 * @param counted `[B, P]`: 1 for pixels that count
 */
export function diceLoss(logits: tf.Tensor3D, labels: tf.Tensor2D, counted: tf.Tensor2D): tf.Scalar {
  const [batchSize, numPixels, numClasses] = logits.shape;
  const valid = tf.reshape(counted, [batchSize, numPixels, 1]);
  const truth = tf.reshape(oneHot(tf.reshape(labels, [-1]), numClasses), logits.shape);
  const probabilities = tf.mul(tf.softmax(logits), valid);
  const target = tf.mul(truth, valid);
  const both = tf.sum(tf.mul(probabilities, target), 1); // [B, K]
  const sizes = tf.add(tf.sum(tf.square(probabilities), 1), tf.sum(target, 1));
  return tf.mean(tf.sub(1, tf.div(tf.add(tf.mul(both, 2), 1), tf.add(sizes, 1))));
}
