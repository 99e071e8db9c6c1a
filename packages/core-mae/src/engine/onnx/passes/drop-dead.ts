import type { Graph, GraphNode } from '../graph.js';

/** The graph without nodes and constants that no output depends on. Inputs stay: callers know them by name. */
export function dropDead(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some(({ name }) => needed.has(name))) continue;
    nodes.push(node);
    for (const { name } of node.inputs) needed.add(name);
  }
  return {
    ...graph,
    nodes: nodes.reverse(),
    initializers: graph.initializers.filter(({ value }) => needed.has(value.name)),
  };
}
