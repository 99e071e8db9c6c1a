import type { Shape } from '../../../contracts/tensor.js';
import { type Attributes, type Graph, type GraphNode, type GraphValue, type Initializer, NCHWC } from '../graph.js';
import { dropDead } from './drop-dead.js';
import { countReaders, producersOf } from './rewrite.js';

const TO_NCHW = '0,3,1,2';
const TO_NHWC = '0,2,3,1';

/**
 * Convolutions on blocks of channels (ONNX Runtime's NCHWc operators, up to twice as fast as its Conv). The runtime does
 * this by itself only where filters are constants, and while a model trains they are not. Convolutions whose channels
 * are no whole blocks, or that have groups, stay as they are.
 *
 * @param block channels of a block, which depends on the processor: graphs of this kind are not for files
 */
export function blockConvolutions(graph: Graph, block: number): Graph {
  const producers = producersOf(graph.nodes);
  const readers = countReaders(graph);
  const restored = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    if (!isTranspose(node, TO_NHWC)) continue;
    const { name } = node.inputs[0]!;
    restored.set(name, [...(restored.get(name) ?? []), node]);
  }
  const initializers: Initializer[] = [...graph.initializers];
  const blocked = new Map<string, GraphValue>();
  const replaced = new Set<GraphNode>();
  let numMade = 0;
  const fresh = (shape: Shape): GraphValue => ({ name: `blocked_${numMade++}`, shape, type: 'float32' });
  const shapeOf = (shape: Shape): GraphValue => {
    const value: GraphValue = { name: `blocked_shape_${numMade++}`, shape: [shape.length], type: 'int64' };
    initializers.push({ value, data: BigInt64Array.from(shape, BigInt) });
    return value;
  };

  const blockedPicture = (value: GraphValue, made: GraphNode[]): GraphValue => {
    const known = blocked.get(value.name);
    if (known !== undefined) return known;
    const producer = producers.get(value.name);
    const isRestored = producer !== undefined && isTranspose(producer, TO_NCHW);
    const source = isRestored ? producer.inputs[0]! : value;
    const output = fresh(value.shape);
    made.push(operation('ReorderInput', [source], output, NCHWC, { channels_last: Number(isRestored) }));
    blocked.set(value.name, output);
    return output;
  };

  /** `[O, I, h, w]` → `[O / b, I / b, h, w, b (in), b (out)]`, which goes by the first shape's name. */
  const blockedFilter = (filter: GraphValue, made: GraphNode[]): GraphValue => {
    const known = blocked.get(filter.name);
    if (known !== undefined) return known;
    const [out, inner, height, width] = filter.shape as [number, number, number, number];
    const split = fresh([out / block, block, inner / block, block, height, width]);
    const ordered = fresh([out / block, inner / block, height, width, block, block]);
    const output = fresh(filter.shape);
    made.push(
      operation('Reshape', [filter, shapeOf(split.shape)], split),
      operation('Transpose', [split], ordered, '', { perm: [0, 2, 4, 5, 3, 1] }),
      operation('Reshape', [ordered, shapeOf(filter.shape)], output),
    );
    blocked.set(filter.name, output);
    return output;
  };

  const rewrite = (node: GraphNode): GraphNode[] => {
    if (node.op !== 'Conv' || node.domain !== '' || node.inputs.length !== 2 || node.attributes.group !== 1)
      return [node];
    const [picture, filter] = node.inputs as [GraphValue, GraphValue];
    const [channels, inner, ...window] = filter.shape as [number, number, number, number];
    if (channels % block !== 0 || inner % block !== 0) return [node];
    const result = node.outputs[0]!;
    const made: GraphNode[] = [];
    const inputs = [blockedPicture(picture, made), blockedFilter(filter, made)];
    const output = fresh(result.shape);
    made.push(operation('Conv', inputs, output, NCHWC, { ...node.attributes, kernel_shape: window }));
    const ends = restored.get(result.name) ?? [];
    for (const end of ends) {
      replaced.add(end);
      made.push(operation('ReorderOutput', [output], end.outputs[0]!, NCHWC, { channels, channels_last: 1 }));
    }
    if (readers.get(result.name) !== ends.length) {
      made.push(operation('ReorderOutput', [output], result, NCHWC, { channels, channels_last: 0 }));
    }
    return made;
  };
  const nodes = graph.nodes.flatMap(rewrite).filter((node) => !replaced.has(node));
  return dropDead({ ...graph, nodes, initializers });
}

function isTranspose({ op, attributes }: GraphNode, order: string): boolean {
  return op === 'Transpose' && (attributes.perm as readonly number[]).join() === order;
}

function operation(
  op: string,
  inputs: readonly GraphValue[],
  output: GraphValue,
  domain = '',
  attributes: Attributes = {},
): GraphNode {
  return { op, domain, inputs, outputs: [output], attributes };
}
