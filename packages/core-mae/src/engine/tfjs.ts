import * as tf from '@tensorflow/tfjs';
import type { Engine, NamedTensors, Program, ProgramSpec } from '../contracts/engine.js';
import type { Batch, DType, HostTensor, ParameterTree, Shape, TensorData, TensorSpec } from '../contracts/tensor.js';
import type { OperatorTime, Recorder } from '../contracts/recorder.js';
import { MaeError } from '../base/errors.js';
import { withBackend } from './programs/active-backend.js';
import { checkInputs } from './programs/check-inputs.js';
import { findNotFiniteKernel } from './programs/not-finite-kernel.js';
import { PROFILED_RUNS } from './programs/profiled-runs.js';
import { withWatchedKernels } from './programs/watched-kernels.js';
import { differentiate, type Differentiated, disposeAll } from './programs/differentiate.js';
import { trace } from './onnx/trace/trace.js';
import { startTfjsBackend, type TfjsBackend } from './tfjs-backends.js';

export interface TfjsEngineOptions {
  readonly backend: TfjsBackend;
  /** Told of the operators of every program's first runs. */
  readonly recorder?: Recorder | undefined;
}

/**
 * An engine that runs functions op by op on a TF.js backend: the reference in tests, and the fallback where the
 * compiled engine cannot load.
 *
 * @throws MaeError `ENGINE_UNAVAILABLE`
 */
export async function createTfjsEngine({ backend, recorder }: TfjsEngineOptions): Promise<Engine> {
  const description = await startTfjsBackend(backend);
  return {
    name: 'tfjs',
    description,
    findNotFinite: (spec, parameters, batch, results) =>
      Promise.resolve().then(() => {
        checkInputs({ ...spec, gradients: [] }, parameters, batch);
        return withBackend(backend, () =>
          findNotFiniteKernel(backend, results, (use) => {
            differentiated(spec, parameters, batch, use);
          }),
        );
      }),
    compile: (spec) => Promise.resolve().then(() => compile(backend, spec, recorder)),
    dispose: () => Promise.resolve(),
  };
}

function compile(backend: TfjsBackend, spec: ProgramSpec, recorder: Recorder | undefined): Program {
  let runs = 0;
  return {
    outputs: outputSpecs(backend, spec),
    run: (parameters, batch, gradients) =>
      Promise.resolve().then(() => {
        checkInputs(spec, parameters, batch, gradients);
        return withBackend(backend, () => {
          const run = (): Record<string, HostTensor> => runOnce(spec, parameters, batch, gradients);
          if (recorder === undefined || runs >= PROFILED_RUNS) return run();
          return runRecorded(
            backend,
            (operators) => {
              recorder.recordOperators(spec.name, runs++, operators);
            },
            run,
          );
        });
      }),
    dispose: () => undefined,
  };
}

/** What `run` returns, with the kernels that it has run given to `record`. */
function runRecorded<Result>(
  backend: TfjsBackend,
  record: (operators: readonly OperatorTime[]) => void,
  run: () => Result,
): Result {
  const operators: OperatorTime[] = [];
  const result = withWatchedKernels(
    backend,
    (kernel) => {
      const start = performance.now();
      kernel.run();
      const duration = performance.now() - start;
      const shapes = kernel.inputs.map(([, { shape }]) => `[${shape.join(', ')}]`).join(' ');
      operators.push({ operator: kernel.name, shapes, start, duration });
    },
    run,
  );
  record(operators);
  return result;
}

function runOnce(
  spec: ProgramSpec,
  parameters: ParameterTree,
  batch: Batch,
  gradients: ParameterTree | undefined,
): Record<string, HostTensor> {
  return differentiated(spec, parameters, batch, (result) => {
    const values: Record<string, HostTensor> = mapEntries(result.outputs, (_, tensor) => read(tensor));
    for (const [name, gradient] of Object.entries(result.gradients)) {
      if (name in spec.parameters) gradients!.get(name)!.data.set(gradient.dataSync<'float32'>());
      else values[`grad.${name}`] = read(gradient);
    }
    return values;
  });
}

/** What `use` makes of the function's outputs and gradients, which do not outlive it. */
function differentiated<Result>(
  spec: ProgramSpec,
  parameters: ParameterTree,
  batch: Batch,
  use: (result: Differentiated, inputs: { readonly parameters: NamedTensors }) => Result,
): Result {
  const inputs = {
    parameters: mapEntries(spec.parameters, (name, shape) => tf.tensor(parameters.get(name)!.data, [...shape])),
    batch: mapEntries(spec.batch, (name, { shape, dtype }) => tf.tensor(batch[name]!.data, [...shape], dtype)),
  };
  let result: Differentiated | undefined;
  try {
    result = differentiate(spec, inputs.parameters, inputs.batch);
    return use(result, inputs);
  } finally {
    if (result !== undefined) {
      disposeAll(result.outputs);
      disposeAll(result.gradients);
    }
    disposeAll(inputs.parameters);
    disposeAll(inputs.batch);
  }
}

/**
 * What the function returns, found by tracing it, which computes nothing. Where it cannot be traced it is run once, on
 * zeros.
 */
function outputSpecs(backend: TfjsBackend, spec: ProgramSpec): Readonly<Record<string, TensorSpec>> {
  try {
    return trace(spec).outputs;
  } catch (error) {
    if (!(error instanceof MaeError && error.code === 'TRACE_UNSUPPORTED')) throw error;
    return withBackend(backend, () => outputsOnZeros(spec));
  }
}

function outputsOnZeros(spec: ProgramSpec): Record<string, TensorSpec> {
  const zeros = (shape: Shape, dtype: DType): tf.Tensor => tf.zeros([...shape], dtype);
  const inputs = {
    parameters: mapEntries(spec.parameters, (_, shape) => zeros(shape, 'float32')),
    batch: mapEntries(spec.batch, (_, { shape, dtype }) => zeros(shape, dtype)),
  };
  let outputs: NamedTensors = {};
  try {
    outputs = differentiate({ name: spec.name, fn: spec.fn }, inputs.parameters, inputs.batch).outputs;
    return mapEntries(outputs, (_, tensor) => specOf(tensor));
  } finally {
    disposeAll(outputs);
    disposeAll(inputs.parameters);
    disposeAll(inputs.batch);
  }
}

function read(tensor: tf.Tensor): HostTensor {
  const data: TensorData = tensor.dataSync();
  // A backend in JavaScript hands out its own array, which may be the caller's parameter or batch.
  return { ...specOf(tensor), data: data.slice() };
}

function specOf(tensor: tf.Tensor): TensorSpec {
  return { shape: tensor.shape, dtype: tensor.dtype as DType };
}

function mapEntries<Value, Result>(
  record: Readonly<Record<string, Value>>,
  fn: (name: string, value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, fn(name, value)]));
}
