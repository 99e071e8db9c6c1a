import type { Graph, GraphNode, GraphValue } from '../graph.js';
import { countReaders, producersOf } from './rewrite.js';

/**
 * The graph with `Gemm` + `Add` joined wherever nothing else reads the product: Gemm adds a bias for free, and a whole
 * matrix (a residual, another gradient) in the same pass. A reshape between the two is moved behind.
 */
export function foldBias(graph: Graph): Graph {
  const readers = countReaders(graph);
  const producers = producersOf(graph.nodes);
  const replaced = new Map<GraphNode, readonly GraphNode[]>();
  // A Gemm may move to its Add's place, where all that it needs has been computed.
  const moved = new Set<GraphNode>();

  for (const node of graph.nodes) {
    if (node.op !== 'Add') continue;
    for (const [product, addend] of [node.inputs, [...node.inputs].reverse()] as Array<[GraphValue, GraphValue]>) {
      const folded = foldInto(node, product, addend, { readers, producers, moved });
      if (folded === undefined) continue;
      replaced.set(node, folded.nodes);
      for (const gone of folded.gone) moved.add(gone);
      for (const made of folded.nodes) for (const { name } of made.outputs) producers.set(name, made);
      break;
    }
  }
  const nodes = graph.nodes.flatMap((node) => (moved.has(node) ? [] : (replaced.get(node) ?? [node])));
  return { ...graph, nodes };
}

interface Known {
  readonly readers: ReadonlyMap<string, number>;
  readonly producers: ReadonlyMap<string, GraphNode>;
  readonly moved: ReadonlySet<GraphNode>;
}

function foldInto(
  add: GraphNode,
  product: GraphValue,
  addend: GraphValue,
  { readers, producers, moved }: Known,
): { nodes: GraphNode[]; gone: GraphNode[] } | undefined {
  const onlyReader = ({ name }: GraphValue): boolean => readers.get(name) === 1;
  if (!onlyReader(product)) return undefined;
  const direct = producers.get(product.name);
  const reshape = direct?.op === 'Reshape' ? direct : undefined;
  const source = reshape === undefined ? product : reshape.inputs[0]!;
  const gemm = producers.get(source.name);
  if (gemm?.op !== 'Gemm' || gemm.inputs.length !== 2 || moved.has(gemm) || !onlyReader(source)) return undefined;

  const [rows, columns] = source.shape as [number, number];
  const output = add.outputs[0]!;
  const isBias = addend.shape.length === 1 && addend.shape[0] === columns;
  // A reshaped matrix could be added too, but then the addend would have to be reshaped first.
  const isMatrix = reshape === undefined && addend.shape.length === 2 && addend.shape[0] === rows;
  if (!isBias && !(isMatrix && addend.shape[1] === columns)) return undefined;
  if (sizeOf(output) !== rows * columns) return undefined;

  const inputs = [...gemm.inputs, addend];
  if (reshape === undefined) return { nodes: [{ ...gemm, inputs, outputs: [output] }], gone: [gemm] };
  const nodes = [
    { ...gemm, inputs },
    { ...reshape, outputs: [output] },
  ];
  return { nodes, gone: [gemm, reshape] };
}

function sizeOf({ shape }: GraphValue): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
