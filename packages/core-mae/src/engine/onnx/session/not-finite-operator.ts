import type { NotFiniteOperator, ProgramSpec } from '../../../contracts/engine.js';
import { type Batch, type HostTensor, type ParameterTree, sizeOf } from '../../../contracts/tensor.js';
import { isInGradient, modelPlace } from '../../programs/model-place.js';
import { describeValues, findOrigin, nearestParameters, nearestPlace, summarize } from '../../programs/not-finite.js';
import type { Graph, GraphNode, GraphValue } from '../graph.js';
import { dropDead } from '../passes/drop-dead.js';
import { standardOnly } from '../passes/standard-only.js';
import { graphNames, trace } from '../trace/trace.js';
import type { Session } from './session.js';

/**
 * The operator of a traced function in which numbers first stop being finite. The function is traced again, as it is
 * written and without passes; beside every value one number says whether it is finite, so that nothing large is kept.
 *
 * @param load makes a session of a graph
 */
export async function findNotFiniteOperator(
  spec: ProgramSpec,
  parameters: ParameterTree,
  batch: Batch,
  results: readonly string[],
  load: (graph: Graph, name: string) => Promise<Session>,
): Promise<NotFiniteOperator | undefined> {
  const places = new Map<string, string | undefined>();
  const ofGradients = new Set<string>();
  const { graph: traced } = trace(spec, ({ outputs }) => {
    const { stack = '' } = new Error();
    const place = modelPlace(stack);
    for (const { name } of outputs) {
      places.set(name, place);
      if (isInGradient(stack)) ofGradients.add(name);
    }
  });
  const graph = standardOnly(dropDead(traced));
  const inputs = new Map<string, HostTensor>([
    ...Object.entries(spec.parameters).map(([name, shape]): [string, HostTensor] => [
      graphNames.parameter(name),
      { shape, dtype: 'float32', data: parameters.get(name)!.data },
    ]),
    ...Object.keys(spec.batch).map((name): [string, HostTensor] => [graphNames.batch(name), batch[name]!]),
  ]);
  const run = async (part: Graph, name: string): Promise<Map<string, HostTensor>> => {
    const fetched = new Map(part.outputs.map((value) => [value.name, emptyTensor(value)]));
    const session = await load(part, name);
    try {
      const read = new Set(part.inputs.map((value) => value.name));
      await session.run(new Map([...inputs].filter(([input]) => read.has(input))), fetched);
    } finally {
      await session.release();
    }
    return fetched;
  };
  const checks = await run(withChecks(graph), `${spec.name}, checked`);
  const isFinite = (value: string): boolean => {
    const check = checks.get(checkName(value));
    return check === undefined || Number.isFinite(check.data[0]);
  };
  const operations = graph.nodes.map(({ op, inputs: read, outputs }) => ({
    operator: op,
    inputs: read.map(({ name }) => name),
    outputs: outputs.map(({ name }) => name),
    place: outputs.map(({ name }) => places.get(name)).find((place) => place !== undefined),
  }));
  const index = findOrigin(operations, isFinite, results.map(graphName));
  if (index === undefined) return undefined;

  const node = graph.nodes[index]!;
  const shown = floats([...node.inputs, ...node.outputs]);
  const values = new Map([...inputs, ...(await run(withOutputs(graph, shown), `${spec.name}, looked at`))]);
  const describe = (wanted: readonly GraphValue[]): string[] =>
    floats(wanted).flatMap(({ name, shape }) => {
      const data = values.get(name)?.data;
      return data === undefined ? [] : [describeValues(summarize(shape, data))];
    });
  return {
    operator: node.op,
    inGradient: node.outputs.some(({ name }) => ofGradients.has(name)),
    place: nearestPlace(operations, index),
    parameters: nearestParameters(operations, index, (value) =>
      value.startsWith(PARAMETER) ? value.slice(PARAMETER.length) : undefined,
    ),
    inputs: describe(node.inputs),
    outputs: describe(node.outputs),
  };
}

const PARAMETER = graphNames.parameter('');

function graphName(result: string): string {
  return result.startsWith('grad.') ? graphNames.gradient(result.slice('grad.'.length)) : graphNames.output(result);
}

function checkName(value: string): string {
  return `check:${value}`;
}

/** The graph with a number for each of its values instead of its outputs: 0 where it is finite, NaN where it is not. */
function withChecks(graph: Graph): Graph {
  const checked = floats(graph.nodes.flatMap(({ outputs }) => outputs));
  const outputs = checked.map(({ name }): GraphValue => ({ name: checkName(name), shape: [], type: 'float32' }));
  const nodes = checked.flatMap((value, index): GraphNode[] => {
    const zeros = { ...value, name: `zeros:${value.name}` };
    return [
      { op: 'Sub', domain: '', inputs: [value, value], outputs: [zeros], attributes: {} },
      { op: 'ReduceSum', domain: '', inputs: [zeros], outputs: [outputs[index]!], attributes: { keepdims: 0 } },
    ];
  });
  return { ...graph, nodes: [...graph.nodes, ...nodes], outputs };
}

/** The graph with these computed values as its outputs. */
function withOutputs(graph: Graph, values: readonly GraphValue[]): Graph {
  const computed = new Set(graph.nodes.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
  const outputs = [...new Map(values.map((value) => [value.name, value])).values()].filter(({ name }) =>
    computed.has(name),
  );
  return dropDead({ ...graph, outputs });
}

function floats(values: readonly GraphValue[]): GraphValue[] {
  return values.filter(({ type }) => type === 'float32');
}

function emptyTensor({ shape }: GraphValue): HostTensor {
  return { shape, dtype: 'float32', data: new Float32Array(sizeOf(shape)) };
}
