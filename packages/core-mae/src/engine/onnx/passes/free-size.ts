import { type Shape, sameShape } from '../../../contracts/tensor.js';
import { MaeError } from '../../../base/errors.js';
import type { Graph, GraphNode, GraphValue, Initializer } from '../graph.js';

/** The size that a graph is freed of: an axis of one of its inputs, and how long it is in each of two graphs. */
export interface FreeSize {
  /** The input's name in the graph. */
  readonly input: string;
  readonly axis: number;
  readonly sizes: readonly [first: number, second: number];
  /** What the axis is called in the file: "batch". */
  readonly symbol: string;
}

/**
 * One graph for every size, from two graphs of a function that was traced at two sizes: they are compared node by node. Numbers
 * that differ must grow evenly with the size; in a shape to reshape to, a single one becomes −1, and others are computed from
 * the input's shape when the graph is run. Everything else must be the same.
 *
 * @param where the program's name, for messages
 * @throws MaeError `TRACE_UNSUPPORTED` naming the operator that depends on the size in another way
 */
export function freeSize(first: Graph, second: Graph, size: FreeSize, where: string): Graph {
  const refuse = (what: string): never => {
    throw new MaeError('TRACE_UNSUPPORTED', {
      what: `${what}, so one file cannot take any number of pictures`,
      where,
      fix: 'fix the number: --batch 1',
    });
  };
  if (first.nodes.length !== second.nodes.length) {
    return refuse(`the program has other operators at other sizes (${first.nodes.length} and ${second.nodes.length})`);
  }
  const constants = new Map(first.initializers.map((initializer) => [initializer.value.name, initializer]));
  const others = new Map(second.initializers.map((initializer) => [initializer.value.name, initializer]));
  // What a value of the second graph is called in the first: inputs have their own names.
  const names = new Map<string, string>();
  const computing = computedSizes(size);
  const nodes = first.nodes.map((node, index) => {
    const twin = second.nodes[index]!;
    if (!isAlike(node, twin))
      return refuse(`operator ${index} is ${node.op} at one size and ${twin.op} at another, or set otherwise`);
    const inputs = node.inputs.map((value, place) => {
      const other = twin.inputs[place]!;
      const [constant, otherConstant] = [constants.get(value.name), others.get(other.name)];
      if (constant === undefined || otherConstant === undefined) {
        if (constant === otherConstant && (names.get(other.name) ?? other.name) === value.name) return value;
        return refuse(`${node.op} reads other values at other sizes`);
      }
      if (isSame(constant, otherConstant)) return value;
      const lines = linesThrough(constant, otherConstant, size.sizes);
      if (lines === undefined) return refuse(`${node.op} takes a constant that depends on the size in an uneven way`);
      const isShape = node.op === 'Reshape' && place === 1;
      const changing = lines.filter(({ slope }) => slope !== 0);
      return isShape && changing.length === 1 && lines.every(({ slope, offset }) => slope !== 0 || offset !== 0)
        ? computing.constant(lines.map(({ slope, offset }) => (slope === 0 ? offset : -1)))
        : computing.values(lines, constant.value);
    });
    node.outputs.forEach(({ name }, place) => names.set(twin.outputs[place]!.name, name));
    return { ...node, inputs };
  });
  const symbolic = (values: readonly GraphValue[], twins: readonly GraphValue[]): GraphValue[] =>
    values.map((value, index) => ({
      ...value,
      symbols: symbolsOf(value, twins[index]!, size) ?? refuse(`\`${value.name}\` grows unevenly`),
    }));
  const whole = {
    inputs: symbolic(first.inputs, second.inputs),
    nodes: [...computing.nodes(first), ...nodes],
    outputs: symbolic(first.outputs, second.outputs),
    initializers: [...first.initializers, ...computing.initializers()],
  };
  const read = new Set(whole.nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name)));
  return { ...whole, initializers: whole.initializers.filter(({ value }) => read.has(value.name)) };
}

/** A number that is `offset + slope · size`. */
interface Line {
  readonly slope: number;
  readonly offset: number;
}

function lineThrough(atFirst: number, atSecond: number, [first, second]: FreeSize['sizes']): Line | undefined {
  const slope = (atSecond - atFirst) / (second - first);
  return Number.isInteger(slope) ? { slope, offset: atFirst - slope * first } : undefined;
}

/** Lines through the numbers of two one-dimensional constants of whole numbers; undefined for any others. */
function linesThrough(first: Initializer, second: Initializer, sizes: FreeSize['sizes']): Line[] | undefined {
  const { shape, type } = first.value;
  if ((type !== 'int64' && type !== 'int32') || second.value.type !== type) return undefined;
  if (shape.length !== 1 || !sameShape(shape, second.value.shape)) return undefined;
  const [numbers, others] = [first, second].map(({ data }) => Array.from(data as ArrayLike<number | bigint>, Number));
  const lines = numbers!.map((number, index) => lineThrough(number, others![index]!, sizes));
  return lines.every((line) => line !== undefined) ? lines : undefined;
}

/** Nodes that compute numbers from the input's shape, each made once. */
function computedSizes({ input, axis }: FreeSize) {
  const made = new Map<string, GraphValue>();
  const nodes: GraphNode[] = [];
  const initializers: Initializer[] = [];
  const fresh = (kind: string, shape: Shape, type: GraphValue['type'] = 'int64'): GraphValue => ({
    name: `size_${kind}_${made.size}_${nodes.length}`,
    shape,
    type,
  });
  const node = (
    op: string,
    inputs: GraphValue[],
    output: GraphValue,
    attributes: GraphNode['attributes'] = {},
  ): GraphValue => {
    nodes.push({ op, domain: '', inputs, outputs: [output], attributes });
    return output;
  };
  const once = (key: string, make: () => GraphValue): GraphValue => {
    const value = made.get(key) ?? make();
    made.set(key, value);
    return value;
  };
  const constant = (numbers: readonly number[]): GraphValue =>
    once(`constant ${numbers.join()}`, () => {
      const value = fresh('constant', [numbers.length]);
      initializers.push({ value, data: BigInt64Array.from(numbers, BigInt) });
      return value;
    });
  let source: GraphValue | undefined;
  const size = (): GraphValue =>
    once('size', () => node('Shape', [source!], fresh('free', [1]), { start: axis, end: axis + 1 }));
  const pending: Array<() => void> = [];
  return {
    constant,
    values(lines: readonly Line[], { shape, type }: GraphValue): GraphValue {
      const key = `${type} ${lines.map(({ slope, offset }) => `${slope}+${offset}`).join()}`;
      return once(key, () => {
        const result = fresh('values', shape, type);
        pending.push(() => {
          const grown = node('Mul', [size(), constant(lines.map(({ slope }) => slope))], fresh('grown', shape));
          const offsets = constant(lines.map(({ offset }) => offset));
          if (type === 'int64') node('Add', [grown, offsets], result);
          else node('Cast', [node('Add', [grown, offsets], fresh('sum', shape))], result, { to: 6 });
        });
        return result;
      });
    },
    nodes(graph: Graph): readonly GraphNode[] {
      source = graph.inputs.find(({ name }) => name === input)!;
      for (const make of pending) make();
      return nodes;
    },
    initializers: (): readonly Initializer[] => initializers,
  };
}

/** For each axis that grows with the size, what it is called; undefined where one grows unevenly. */
function symbolsOf(value: GraphValue, twin: GraphValue, size: FreeSize): ReadonlyArray<string | undefined> | undefined {
  if (value.shape.length !== twin.shape.length) return undefined;
  const symbols: Array<string | undefined> = [];
  for (const [axis, length] of value.shape.entries()) {
    const line = lineThrough(length, twin.shape[axis]!, size.sizes);
    if (line === undefined) return undefined;
    const { slope, offset } = line;
    const product = slope === 1 ? size.symbol : `${slope}*${size.symbol}`;
    symbols.push(slope === 0 ? undefined : offset === 0 ? product : `${product}+${offset}`);
  }
  return symbols;
}

function isAlike(node: GraphNode, twin: GraphNode): boolean {
  return (
    node.op === twin.op &&
    node.domain === twin.domain &&
    node.inputs.length === twin.inputs.length &&
    node.outputs.length === twin.outputs.length &&
    JSON.stringify(node.attributes) === JSON.stringify(twin.attributes)
  );
}

function isSame(a: Initializer, b: Initializer): boolean {
  if (a.value.type !== b.value.type || !sameShape(a.value.shape, b.value.shape)) return false;
  const [bytes, others] = [a, b].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return bytes!.equals(others!);
}
