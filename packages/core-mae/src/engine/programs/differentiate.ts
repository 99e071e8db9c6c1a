/*
 * engine/programs/: what both engines do with a function before and after it runs: differentiate it, check its inputs,
 * make one TF.js backend the active one, watch its kernels, say where numbers stop being finite.
 * Not here: how a function is compiled (`engine/onnx`) or a backend is started (`engine/`).
 * Called by: `engine/tfjs`, `engine/onnx` and the tracer.
 */

import * as tf from '@tensorflow/tfjs';
import type { NamedTensors, ProgramSpec } from '../../contracts/engine.js';
import { MaeError } from '../../base/errors.js';

/** What a function gives for one batch; every tensor is the caller's to dispose. */
export interface Differentiated {
  readonly outputs: NamedTensors;
  /** By the names in `spec.gradients`. */
  readonly gradients: NamedTensors;
}

/**
 * The outputs of `spec.fn` and the gradients of its output `loss`, on whichever TF.js backend is active.
 *
 * Intermediate tensors are disposed; the tensors returned belong to no tidy.
 *
 * @throws MaeError `SHAPE_MISMATCH` where `loss` is missing or not a float32 scalar, `GRADIENT_MISSING` naming every
 * parameter that the loss does not depend on
 */
export function differentiate(
  spec: Pick<ProgramSpec, 'name' | 'fn' | 'gradients'>,
  parameters: NamedTensors,
  batch: NamedTensors,
): Differentiated {
  const names = spec.gradients ?? [];
  if (names.length === 0) {
    return { outputs: tf.tidy(() => keepAll(spec.fn(parameters, batch))), gradients: {} };
  }
  const sources = names.map((name) => sourceOf(spec.name, name, parameters, batch));
  let outputs: NamedTensors = {};
  const gradients: Record<string, tf.Tensor> = {};
  const missing: string[] = [];
  tf.tidy(() => {
    const forward = (): tf.Scalar => {
      outputs = keepAll(spec.fn(parameters, batch));
      return scalarLoss(spec.name, outputs);
    };
    // Without the last argument TF.js refuses a loss that depends on no source, without naming any.
    const { grads } = tf.engine().gradients<tf.Tensor>(forward, sources, undefined, true);
    names.forEach((name, index) => {
      const gradient = grads[index];
      if (gradient === undefined) missing.push(name);
      else gradients[name] = tf.keep(gradient);
    });
  });
  if (missing.length > 0) {
    disposeAll(outputs);
    disposeAll(gradients);
    throw new MaeError('GRADIENT_MISSING', {
      what: `the loss does not depend on ${missing.map((name) => `"${name}"`).join(', ')}`,
      where: spec.name,
      fix: 'leave these names out of `gradients`, or use them on the way to `loss`',
    });
  }
  return { outputs, gradients };
}

export function disposeAll(tensors: NamedTensors): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}

function keepAll(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tf.keep(tensor)]));
}

function sourceOf(where: string, name: string, parameters: NamedTensors, batch: NamedTensors): tf.Tensor {
  const source = parameters[name] ?? batch[name];
  if (source?.dtype !== 'float32') {
    throw new MaeError('GRADIENT_MISSING', {
      what: `no gradient by "${name}": ${source === undefined ? 'it is neither a parameter nor in the batch' : `its dtype is ${source.dtype}`}`,
      where,
    });
  }
  return source;
}

function scalarLoss(where: string, outputs: NamedTensors): tf.Scalar {
  const loss = outputs.loss;
  if (loss?.dtype === 'float32' && loss.rank === 0) return loss as tf.Scalar;
  throw new MaeError('SHAPE_MISMATCH', {
    what:
      loss === undefined
        ? 'gradients are asked for, but the function returns no `loss`'
        : `\`loss\` must be a float32 scalar, not ${loss.dtype} [${loss.shape.join(', ')}]`,
    where,
  });
}
