import type { Graph, GraphNode } from '../graph.js';

/**
 * The graph with nodes that nothing reads (weight gradients) at the end, latest first.
 *
 * ONNX Runtime orders nodes by a depth-first walk that starts at the last leaf, so listed this way each weight gradient
 * is computed as soon as its inputs are there, and these are freed, instead of all at the very end.
 */
export function orderLeaves(graph: Graph): Graph {
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name)));
  const isLeaf = (node: GraphNode): boolean => !node.outputs.some(({ name }) => read.has(name));
  const leaves = graph.nodes.filter(isLeaf).reverse();
  return { ...graph, nodes: [...graph.nodes.filter((node) => !isLeaf(node)), ...leaves] };
}
