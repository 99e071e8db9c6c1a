import * as tf from '@tensorflow/tfjs';

/** The exact GELU, `x · Φ(x)` with Φ the normal distribution function (erf, not the tanh approximation). */
export function gelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}
