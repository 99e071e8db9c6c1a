import * as tf from '@tensorflow/tfjs';
import type { NamedTensors, NotFiniteOperator } from '../../contracts/engine.js';
import type { Differentiated } from './differentiate.js';
import { isInGradient, modelPlace } from './model-place.js';
import { describeValues, findOrigin, isAllFinite, nearestParameters, nearestPlace, summarize } from './not-finite.js';
import { withWatchedKernels } from './watched-kernels.js';

interface WatchedKernel {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly place: string | undefined;
  readonly inGradient: boolean;
  readonly inputValues: readonly string[];
  readonly outputValues: readonly string[];
}

type Use = (result: Differentiated, inputs: { readonly parameters: NamedTensors }) => void;

/**
 * The kernel of a TF.js backend in which numbers first stop being finite, while a function runs.
 *
 * @param results names of outputs, and of gradients as `grad.<name>`
 * @param run computes outputs and gradients and hands them over, with the parameters that it used
 */
export function findNotFiniteKernel(
  backend: string,
  results: readonly string[],
  run: (use: Use) => void,
): NotFiniteOperator | undefined {
  const kernels: WatchedKernel[] = [];
  const names = new WeakMap<object, string>();
  const finite = new Map<string, boolean>();
  let numNames = 0;
  /** Tensors that share their data are one value. */
  const nameOf = ({ dataId }: tf.TensorInfo): string => {
    const name = names.get(dataId) ?? `value_${numNames++}`;
    names.set(dataId, name);
    return name;
  };
  const floats = (tensors: readonly tf.TensorInfo[]): tf.TensorInfo[] =>
    tensors.filter(({ dtype }) => dtype === 'float32');
  const valuesOf = ({ dataId }: tf.TensorInfo): ArrayLike<number> => tf.backend().readSync(dataId) as Float32Array;
  const describe = (tensors: readonly tf.TensorInfo[]): string[] =>
    floats(tensors).map((tensor) => describeValues(summarize(tensor.shape, valuesOf(tensor))));

  let wanted: string[] = [];
  const parameterOf = new Map<string, string>();
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 80;
  try {
    withWatchedKernels(
      backend,
      (call) => {
        const inputs = call.inputs.map(([, tensor]) => tensor);
        const inputNames = inputs.map(nameOf);
        // A reshape returns its input's data: that value was made by another kernel.
        const outputs = call.run().filter(({ dataId }) => !names.has(dataId));
        let isBad = false;
        for (const output of floats(outputs)) {
          const isFinite = isAllFinite(valuesOf(output));
          finite.set(nameOf(output), isFinite);
          isBad ||= !isFinite;
        }
        const { stack = '' } = new Error();
        kernels.push({
          operator: call.name,
          inputs: inputNames,
          outputs: outputs.map(nameOf),
          place: modelPlace(stack),
          inGradient: isInGradient(stack),
          inputValues: isBad ? describe(inputs) : [],
          outputValues: isBad ? describe(outputs) : [],
        });
      },
      () => {
        run(({ outputs, gradients }, { parameters }) => {
          const resultOf = (name: string): tf.Tensor | undefined =>
            name.startsWith('grad.') ? gradients[name.slice('grad.'.length)] : outputs[name];
          wanted = results.flatMap((name) => resultOf(name) ?? []).map(nameOf);
          for (const [name, tensor] of Object.entries(parameters)) parameterOf.set(nameOf(tensor), name);
        });
      },
    );
  } finally {
    Error.stackTraceLimit = limit;
  }
  const index = findOrigin(kernels, (value) => finite.get(value) ?? true, wanted);
  if (index === undefined) return undefined;
  const { operator, inGradient, inputValues, outputValues } = kernels[index]!;
  return {
    operator,
    inGradient,
    place: nearestPlace(kernels, index),
    parameters: nearestParameters(kernels, index, (value) => parameterOf.get(value)),
    inputs: inputValues,
    outputs: outputValues,
  };
}
