import * as tf from '@tensorflow/tfjs';
import { MaeError, messageOf } from '../base/errors.js';
import { createEngine, type Device } from './select.js';

/** What became of trying a device. */
export interface EngineProbe {
  readonly device: Device;
  readonly ok: boolean;
  /** The engine and the error of its gradient, or why it cannot be used. */
  readonly detail: string;
  readonly fix?: string;
}

/** Largest relative error of a probe's gradient that counts as correct. */
const TOLERANCE = 1e-4;

/**
 * Tries a device: creates its engine and compares the gradient of a small function with the one known on paper. Never
 * throws.
 */
export async function probeEngine(device: Device): Promise<EngineProbe> {
  try {
    const engine = await createEngine({ device });
    try {
      const program = await engine.compile({
        name: 'probe',
        // d/dw of Σ (x·w)² is 2·xᵀ·(x·w).
        fn: ({ w }, { x }) => ({ loss: tf.sum(tf.square(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D))) }),
        parameters: { w: [2, 1] },
        batch: { x: { shape: [3, 2], dtype: 'float32' } },
        gradients: ['w'],
      });
      const [x, w] = [Float32Array.of(1, 2, -3, 0.5, 4, -1), Float32Array.of(0.5, -2)];
      const gradient = new Float32Array(2);
      const name = 'w';
      await program.run(
        new Map([[name, { name, shape: [2, 1], data: w }]]),
        { x: { shape: [3, 2], dtype: 'float32', data: x } },
        new Map([[name, { name, shape: [2, 1], data: gradient }]]),
      );
      program.dispose();
      const error = Math.max(
        ...expectedGradient(x, w).map((value, i) => Math.abs(gradient[i]! - value) / Math.abs(value)),
      );
      return error <= TOLERANCE
        ? { device, ok: true, detail: `${engine.description}; gradient probe ${error.toExponential(0)}` }
        : { device, ok: false, detail: `${engine.description} computes a wrong gradient (off by ${error})` };
    } finally {
      await engine.dispose();
    }
  } catch (error) {
    const fix = error instanceof MaeError ? error.fix : undefined;
    const detail =
      error instanceof MaeError && fix !== undefined ? error.message.replace(` — ${fix}`, '') : messageOf(error);
    return { device, ok: false, detail, ...(fix === undefined ? {} : { fix }) };
  }
}

function expectedGradient(x: Float32Array, w: Float32Array): number[] {
  const gradient = [0, 0];
  for (let row = 0; row < x.length; row += 2) {
    const product = x[row]! * w[0]! + x[row + 1]! * w[1]!;
    gradient[0]! += 2 * product * x[row]!;
    gradient[1]! += 2 * product * x[row + 1]!;
  }
  return gradient;
}
