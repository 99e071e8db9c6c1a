import type { Shape } from '../../../contracts/tensor.js';
import { type Graph, type GraphNode, type GraphValue, type Initializer, MICROSOFT } from '../graph.js';

/**
 * The graph in standard operators only, for other runtimes and for ONNX Runtime's GPU providers, which would hand
 * FusedMatMul back to the CPU: transposes and factors become nodes of their own.
 */
export function standardOnly(graph: Graph): Graph {
  const initializers: Initializer[] = [...graph.initializers];
  let numMade = 0;
  const fresh = (shape: Shape): GraphValue => ({ name: `standard_${numMade++}`, shape, type: 'float32' });
  const factor = (number: number): GraphValue => {
    const value = { name: `factor_${numMade++}`, shape: [], type: 'float32' as const };
    initializers.push({ value, data: Float32Array.of(number) });
    return value;
  };

  const lower = (node: GraphNode): GraphNode[] => {
    if (node.domain !== MICROSOFT) return [node];
    if (node.op === 'Gelu') return [{ ...node, domain: '' }];
    if (node.op !== 'FusedMatMul') throw new Error(`No standard form of ${node.op} is known.`);
    const { transA, transB, transBatchA, transBatchB, alpha } = node.attributes;
    const made: GraphNode[] = [];
    const ordered = (value: GraphValue, transposed: boolean, rowsFirst: boolean): GraphValue => {
      const order = axisOrder(value.shape.length, transposed, rowsFirst);
      if (order.every((axis, index) => axis === index)) return value;
      const output = fresh(order.map((axis) => value.shape[axis]!));
      made.push({ op: 'Transpose', domain: '', inputs: [value], outputs: [output], attributes: { perm: order } });
      return output;
    };
    const inputs = [
      ordered(node.inputs[0]!, transA === 1, transBatchA === 1),
      ordered(node.inputs[1]!, transB === 1, transBatchB === 1),
    ];
    const scale = (alpha as { float: number }).float;
    const result = node.outputs[0]!;
    const product = scale === 1 ? result : fresh(result.shape);
    made.push({ op: 'MatMul', domain: '', inputs, outputs: [product], attributes: {} });
    if (scale !== 1) {
      const scaled = { op: 'Mul', domain: '', inputs: [product, factor(scale)], outputs: [result], attributes: {} };
      made.push(scaled);
    }
    return made;
  };
  return { ...graph, nodes: graph.nodes.flatMap(lower), initializers };
}

/** The order of axes that turns a stored stack of matrices into the stack that is multiplied. */
function axisOrder(rank: number, transposed: boolean, rowsFirst: boolean): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const order = rowsFirst ? [...axes.slice(1, -1), 0, rank - 1] : axes;
  return transposed ? [...order.slice(0, -2), order[rank - 1]!, order[rank - 2]!] : order;
}
