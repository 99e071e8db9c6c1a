import type { ParameterTree } from '../../../contracts/tensor.js';
import type { Graph, GraphValue } from '../graph.js';

/** What the parts of a program are called in the graph, before and after their prefixes are taken away. */
export interface NameParts {
  readonly parameter: (name: string) => string;
  readonly batch: (name: string) => string;
  readonly output: (name: string) => string;
}

/**
 * The graph with parameters as constants instead of inputs. Parameters, the batch and outputs carry their own names;
 * where an output is called like an input, it gets `_output` behind.
 */
export function embedParameters(
  graph: Graph,
  parameters: ParameterTree,
  { parameter, batch, output }: NameParts,
): Graph {
  const constants = new Map([...parameters.values()].map((entry) => [parameter(entry.name), entry]));
  const inputNames = new Set(
    graph.inputs.filter(({ name }) => !constants.has(name)).map(({ name }) => name.slice(batch('').length)),
  );
  const outputNames = new Set(graph.outputs.map(({ name }) => name));
  const plainName = (name: string): string => {
    if (constants.has(name)) return constants.get(name)!.name;
    if (name.startsWith(batch(''))) return name.slice(batch('').length);
    if (!outputNames.has(name)) return name;
    const plain = name.slice(output('').length);
    return inputNames.has(plain) ? `${plain}_output` : plain;
  };
  const rename = (value: GraphValue): GraphValue => ({ ...value, name: plainName(value.name) });
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name)));
  return {
    inputs: graph.inputs.filter(({ name }) => !constants.has(name)).map(rename),
    outputs: graph.outputs.map(rename),
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    initializers: [
      ...graph.initializers,
      ...graph.inputs.flatMap((value) => {
        const entry = constants.get(value.name);
        return entry === undefined || !read.has(value.name) ? [] : [{ value: rename(value), data: entry.data }];
      }),
    ],
  };
}
