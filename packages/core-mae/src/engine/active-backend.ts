import * as tf from '@tensorflow/tfjs';

/**
 * What `fn` returns, run with this TF.js backend active. TF.js has one active backend for the whole process, so `fn`
 * must be synchronous; whatever backend was active before is active again afterwards.
 */
export function withBackend<Result>(name: string, fn: () => Result): Result {
  const previous = tf.getBackend() as string | undefined;
  activate(name);
  try {
    return fn();
  } finally {
    if (previous !== undefined) activate(previous);
  }
}

/** The promise of `setBackend` only matters while a backend starts up; these are started already or start at once. */
function activate(name: string): void {
  void tf.setBackend(name);
}
