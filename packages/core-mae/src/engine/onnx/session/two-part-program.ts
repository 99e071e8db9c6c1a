import type { ProgramSpec, TwoPartProgram } from '../../../contracts/engine.js';
import { type HostTensor, sizeOf, type TensorSpec } from '../../../contracts/tensor.js';
import { MaeError } from '../../../base/errors.js';
import { checkInputs } from '../../programs/check-inputs.js';
import type { ElementType, Graph } from '../graph.js';
import type { Session } from './session.js';
import { splitGraph } from '../passes/split-graph.js';
import { graphNames, type Traced } from '../trace/trace.js';

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
};

/**
 * A traced function as two sessions. What the first computes for the second lies in arrays of this process, which both
 * use without a copy.
 *
 * @param load makes a session of a graph
 * @throws MaeError `SHAPE_MISMATCH` where a late entry is not in the batch, or every output needs one
 */
export async function createTwoPartProgram(
  spec: ProgramSpec,
  late: readonly string[],
  { graph, outputs }: Traced,
  load: (graph: Graph, name: string) => Promise<Session>,
): Promise<TwoPartProgram> {
  const unknown = late.find((name) => !(name in spec.batch));
  if (unknown !== undefined) {
    throw new MaeError('SHAPE_MISMATCH', {
      what: `the batch has no entry "${unknown}" to come late`,
      where: spec.name,
    });
  }
  const { first, second, crossing } = splitGraph(graph, new Set(late.map(graphNames.batch)));
  const earlyNames = new Set(first.outputs.map(({ name }) => name));
  const isEarly = (name: string): boolean => earlyNames.has(graphNames.output(name));
  if (!Object.keys(outputs).some(isEarly)) {
    throw new MaeError('SHAPE_MISMATCH', { what: 'every output needs an entry that comes late', where: spec.name });
  }
  const sessions = [
    await load(first, `${spec.name}, first part`),
    await load(second, `${spec.name}, second part`),
  ] as const;
  const kept = new Map(crossing.map(({ name, shape, type }) => [name, allocate(shape, type)]));
  const results: [Record<string, HostTensor>, Record<string, HostTensor>] = [{}, {}];
  const fetched = [new Map<string, HostTensor>(), new Map<string, HostTensor>()] as const;
  const add = (part: 0 | 1, graphName: string, name: string, { shape, dtype }: TensorSpec): void => {
    const tensor = kept.get(graphName) ?? allocate(shape, dtype);
    results[part][name] = tensor;
    fetched[part].set(graphName, tensor);
  };
  for (const [name, output] of Object.entries(outputs))
    add(isEarly(name) ? 0 : 1, graphNames.output(name), name, output);
  for (const [name, tensor] of kept) fetched[0].set(name, tensor);
  const parameterGradients = (spec.gradients ?? []).filter((name) => name in spec.parameters);
  for (const name of spec.gradients ?? []) {
    if (!(name in spec.parameters)) add(1, graphNames.gradient(name), `grad.${name}`, spec.batch[name]!);
  }
  const wanted = [first, second].map(({ inputs }) => new Set(inputs.map(({ name }) => name)));
  const early = Object.fromEntries(Object.entries(spec.batch).filter(([name]) => !late.includes(name)));

  return {
    async first(parameters, batch) {
      checkInputs({ ...spec, batch: early, gradients: [] }, parameters, batch);
      await sessions[0].run(inputsOf(spec, parameters, batch, wanted[0]!), fetched[0]);
      return results[0];
    },
    async second(parameters, batch, gradients) {
      checkInputs(spec, parameters, batch, gradients);
      for (const name of parameterGradients) {
        const { shape, data } = gradients!.get(name)!;
        fetched[1].set(graphNames.gradient(name), { shape, dtype: 'float32', data });
      }
      const inputs = inputsOf(spec, parameters, batch, wanted[1]!);
      for (const [name, tensor] of kept) inputs.set(name, tensor);
      await sessions[1].run(inputs, fetched[1]);
      return results[1];
    },
    async dispose() {
      await Promise.all(sessions.map((session) => session.release()));
    },
  };
}

function inputsOf(
  spec: ProgramSpec,
  parameters: Parameters<TwoPartProgram['first']>[0],
  batch: Parameters<TwoPartProgram['first']>[1],
  wanted: ReadonlySet<string>,
): Map<string, HostTensor> {
  const inputs = new Map<string, HostTensor>();
  const add = (name: string, tensor: HostTensor): void => {
    if (wanted.has(name)) inputs.set(name, tensor);
  };
  for (const [name, shape] of Object.entries(spec.parameters)) {
    add(graphNames.parameter(name), { shape, dtype: 'float32', data: parameters.get(name)!.data });
  }
  for (const [name, tensor] of Object.entries(batch)) add(graphNames.batch(name), tensor);
  return inputs;
}

/** Values inside a graph may be of types that batches never are; the runtime takes them all the same. */
function allocate(shape: readonly number[], type: ElementType): HostTensor {
  return { shape, dtype: type as HostTensor['dtype'], data: new ARRAYS[type](sizeOf(shape)) as HostTensor['data'] };
}
