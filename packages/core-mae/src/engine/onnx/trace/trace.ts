/*
 * engine/onnx/trace/: writing a TF.js function down as a graph, gradients included: a TF.js backend whose kernels
 * compute nothing and add nodes.
 * Not here: what each kernel becomes (`rules`), and what a graph is turned into afterwards (`passes`).
 * Called by: both engines (the eager one to learn the outputs' shapes), the export, and the search for what is not
 * finite.
 */

import type * as tf from '@tensorflow/tfjs';
import type { NamedTensors, ProgramSpec } from '../../../contracts/engine.js';
import type { DType, TensorSpec } from '../../../contracts/tensor.js';
import { MaeError, messageOf } from '../../../base/errors.js';
import { withBackend } from '../../programs/active-backend.js';
import { differentiate, disposeAll } from '../../programs/differentiate.js';
import { createGraphBuilder, type Graph, type GraphBuilder, type GraphNode, type GraphValue } from '../graph.js';
import { materialize } from '../operators/lazy-tensors.js';
import { TRACE_BACKEND, traceBackend, tracedTensor } from './trace-backend.js';
import { withTraceGradients } from './trace-gradients.js';
import { unsupported, withLongStacks } from '../operators/unsupported.js';

/** A function written down as a graph, before any pass. */
export interface Traced {
  readonly graph: Graph;
  /** The function's outputs and gradients by name, without the prefixes that they have in the graph. */
  readonly outputs: Readonly<Record<string, TensorSpec>>;
}

/** Names in the graph: what a value is and, after the colon, how the program's spec calls it. */
export const graphNames = {
  parameter: (name: string): string => `parameter:${name}`,
  batch: (name: string): string => `batch:${name}`,
  output: (name: string): string => `output:${name}`,
  gradient: (name: string): string => `gradient:${name}`,
};

/**
 * The graph of a function and of its gradients, by running it once on tensors that stand for values.
 *
 * @param onNode told of every node as it is traced, with the call that asked for it on the stack
 * @throws MaeError `TRACE_UNSUPPORTED` naming the op and the line that called it; what `differentiate` throws
 */
export function trace(spec: ProgramSpec, onNode?: (node: GraphNode) => void): Traced {
  const backend = traceBackend();
  const builder = createGraphBuilder(onNode);
  backend.begin(builder);
  return withBackend(TRACE_BACKEND, () =>
    withLongStacks(() => {
      const parameters = mapEntries(spec.parameters, (name, shape) =>
        tracedTensor(backend, graphNames.parameter(name), shape, 'float32'),
      );
      const batch = mapEntries(spec.batch, (name, { shape, dtype }) =>
        tracedTensor(backend, graphNames.batch(name), shape, dtype),
      );
      try {
        const { outputs, gradients } = withTraceGradients(() => differentiate(spec, parameters, batch));
        const named = (tensors: NamedTensors, nameOf: (name: string) => string): GraphValue[] =>
          Object.entries(tensors).map(([name, tensor]) => namedOutput(builder, nameOf(name), tensor));
        const graph = builder.finish([...named(outputs, graphNames.output), ...named(gradients, graphNames.gradient)]);
        const specs = mapEntries(outputs, (_, { shape, dtype }) => ({ shape, dtype: dtype as DType }));
        disposeAll(outputs);
        disposeAll(gradients);
        return { graph, outputs: specs };
      } catch (error) {
        throw explained(error);
      } finally {
        disposeAll(parameters);
        disposeAll(batch);
      }
    }),
  );
}

/** An output may be an input, a constant or another output again, so each is an Identity node until passes rename. */
function namedOutput(builder: GraphBuilder, name: string, tensor: tf.Tensor): GraphValue {
  const value = materialize(builder, traceBackend().lazy(tensor));
  return builder.output(name, value);
}

/** TF.js's own error for a kernel that the backend lacks, with the line that called it. */
function explained(error: unknown): unknown {
  if (error instanceof MaeError) return error;
  const missing = /Kernel '(\w+)' not registered|Cannot find registered kernel '(\w+)'/.exec(messageOf(error));
  if (missing === null) return error;
  return unsupported(`the TF.js op ${missing[1] ?? missing[2]!}`, undefined, error as Error);
}

function mapEntries<Value, Result>(
  record: Readonly<Record<string, Value>>,
  fn: (name: string, value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, fn(name, value)]));
}
