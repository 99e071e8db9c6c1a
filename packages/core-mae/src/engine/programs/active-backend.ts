import * as tf from '@tensorflow/tfjs';

/**
 * What `fn` returns, run with this TF.js backend active. TF.js has one active backend for the whole process, so `fn`
 * must be synchronous; whatever backend was active before is active again afterwards.
 */
export function withBackend<Result>(name: string, fn: () => Result): Result {
  const previous = activeBackend();
  activate(name);
  try {
    return fn();
  } finally {
    activate(previous);
  }
}

/** The active backend; where none has been needed yet, the one that TF.js would take, as far as it starts at once. */
function activeBackend(): string {
  const chosen = tf.getBackend() as string | undefined;
  if (chosen !== undefined) return chosen;
  try {
    tf.backend();
    return tf.getBackend();
  } catch {
    return 'cpu';
  }
}

/** The promise of `setBackend` only matters while a backend starts up; these are started already or start at once. */
function activate(name: string): void {
  void tf.setBackend(name);
}
