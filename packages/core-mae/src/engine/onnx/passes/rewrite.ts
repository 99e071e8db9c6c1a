import type { Graph, GraphNode, GraphValue } from '../graph.js';

/** Who reads each value, by name; outputs of the graph count as one reader each. */
export function countReaders({ nodes, outputs }: Graph): Map<string, number> {
  const readers = new Map<string, number>();
  const add = ({ name }: GraphValue): void => void readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(add);
  outputs.forEach(add);
  return readers;
}

/** The node that computes each value, by the value's name. */
export function producersOf(nodes: readonly GraphNode[]): Map<string, GraphNode> {
  const producers = new Map<string, GraphNode>();
  for (const node of nodes) for (const { name } of node.outputs) producers.set(name, node);
  return producers;
}
