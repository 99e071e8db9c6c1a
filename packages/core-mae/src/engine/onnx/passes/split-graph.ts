import type { Graph, GraphNode, GraphValue, Initializer } from '../graph.js';
import { producersOf } from './rewrite.js';

/** A graph in two parts, to be run one after the other. */
export interface SplitGraph {
  readonly first: Graph;
  readonly second: Graph;
  /** What the first part computes for the second: outputs of one, inputs of the other. */
  readonly crossing: readonly GraphValue[];
}

/**
 * The graph cut where its late inputs come in: the first part computes the outputs that need none of them, and nothing
 * else; the second part the other outputs. What both need is computed once, by the first, and crosses the cut.
 *
 * @param late names of inputs
 */
export function splitGraph(graph: Graph, late: ReadonlySet<string>): SplitGraph {
  const producers = producersOf(graph.nodes);
  const lateValues = new Set(late);
  for (const node of inOrder(graph.nodes, producers)) {
    if (!node.inputs.some(({ name }) => lateValues.has(name))) continue;
    for (const { name } of node.outputs) lateValues.add(name);
  }
  const early = graph.outputs.filter(({ name }) => !lateValues.has(name));
  const inFirst = new Set<GraphNode>();
  const pending = [...early];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    const node = producers.get(value.name);
    if (node === undefined || inFirst.has(node)) continue;
    inFirst.add(node);
    pending.push(...node.inputs);
  }
  const made = new Map([...inFirst].flatMap(({ outputs }) => outputs.map((value) => [value.name, value] as const)));
  const readLate = new Set(namesReadBy(graph.nodes.filter((node) => !inFirst.has(node))));
  // A reshape costs nothing within a part, but as an output it would be a copy of what it reshapes.
  const isRepeated = ({ op, outputs }: GraphNode): boolean =>
    op === 'Reshape' && outputs.some(({ name }) => readLate.has(name));
  const secondNodes = graph.nodes.filter((node) => !inFirst.has(node) || isRepeated(node));
  const remade = new Set(secondNodes.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
  const read = new Set(namesReadBy(secondNodes));
  const crossing = [...made.values()].filter(({ name }) => read.has(name) && !remade.has(name));
  const earlyNames = new Set(early.map(({ name }) => name));
  return {
    first: partOf(
      graph,
      graph.nodes.filter((node) => inFirst.has(node)),
      [],
      [...early, ...crossing.filter(({ name }) => !earlyNames.has(name))],
    ),
    second: partOf(
      graph,
      secondNodes,
      crossing,
      graph.outputs.filter(({ name }) => !earlyNames.has(name)),
    ),
    crossing,
  };
}

function namesReadBy(nodes: readonly GraphNode[]): string[] {
  return nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name));
}

/** These nodes with the inputs and constants that they read. */
function partOf(
  graph: Graph,
  nodes: readonly GraphNode[],
  moreInputs: readonly GraphValue[],
  outputs: readonly GraphValue[],
): Graph {
  const read = new Set(namesReadBy(nodes));
  const isRead = ({ name }: GraphValue): boolean => read.has(name);
  const initializers: Initializer[] = graph.initializers.filter(({ value }) => isRead(value));
  return { inputs: [...graph.inputs.filter(isRead), ...moreInputs], nodes, initializers, outputs };
}

/** The nodes so that each comes after those that it reads from; passes may have moved leaves. */
function inOrder(nodes: readonly GraphNode[], producers: ReadonlyMap<string, GraphNode>): GraphNode[] {
  const ordered: GraphNode[] = [];
  const done = new Set<GraphNode>();
  // With a stack of its own: the graph of a deep model is deeper than the language's.
  for (const start of nodes) {
    const stack = [start];
    while (stack.length > 0) {
      const node = stack.at(-1)!;
      const waiting = done.has(node)
        ? []
        : node.inputs.flatMap(({ name }) => producers.get(name) ?? []).filter((before) => !done.has(before));
      if (waiting.length > 0) {
        stack.push(...waiting);
        continue;
      }
      stack.pop();
      if (done.has(node)) continue;
      done.add(node);
      ordered.push(node);
    }
  }
  return ordered;
}
