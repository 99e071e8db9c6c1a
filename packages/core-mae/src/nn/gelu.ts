import * as tf from '@tensorflow/tfjs';
import { clampedLine, fusedGelu, isTracing } from '../engine/fused-ops.js';

/** The exact GELU, `x · Φ(x)` with Φ the normal distribution function (erf, not the tanh approximation). */
export function gelu(x: tf.Tensor): tf.Tensor {
  if (isTracing()) return tracedGelu(x);
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

const LOG_ROOT_PI = Math.log(Math.sqrt(Math.PI));

/**
 * One node forwards. Backwards, with z = x/√2: d = Φ(x) + x·φ(x) = (erf(z) + 1)/2 + z · exp(−z² − log √π), every
 * constant put where it costs no pass of its own.
 */
function tracedGelu(x: tf.Tensor): tf.Tensor {
  const activate = tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([input]);
    return {
      value: fusedGelu(input),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => {
        const z = tf.mul(saved!, Math.SQRT1_2);
        const density = tf.exp(tf.sub(-LOG_ROOT_PI, tf.square(z)));
        return tf.mul(dy, tf.add(clampedLine(tf.erf(z), 0.5, 0.5), tf.mul(z, density)));
      },
    };
  });
  return activate(x);
}
