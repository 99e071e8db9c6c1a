import type { Graph, GraphValue } from '../graph.js';
import { producersOf } from './rewrite.js';

/**
 * The graph without the Identity nodes that only give an output its name, where the node before can take the name
 * itself: where the value is computed (not an input or a constant) and is no other output too.
 */
export function nameOutputs(graph: Graph): Graph {
  const producers = producersOf(graph.nodes);
  const outputNames = new Set(graph.outputs.map(({ name }) => name));
  const renamed = new Map<string, GraphValue>();
  const dropped = new Set(
    graph.nodes.filter(({ op, inputs, outputs }) => {
      const [source, target] = [inputs[0], outputs[0]];
      if (op !== 'Identity' || !outputNames.has(target!.name)) return false;
      const free = producers.has(source!.name) && !renamed.has(source!.name) && !outputNames.has(source!.name);
      if (free) renamed.set(source!.name, target!);
      return free;
    }),
  );
  const rename = (value: GraphValue): GraphValue => renamed.get(value.name) ?? value;
  const nodes = graph.nodes
    .filter((node) => !dropped.has(node))
    .map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
  return { ...graph, nodes };
}
