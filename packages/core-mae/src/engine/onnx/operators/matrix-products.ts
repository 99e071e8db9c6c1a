import { sizeOf } from '../../../contracts/tensor.js';
import { broadcastShape } from './elementwise.js';
import { type GraphBuilder, MICROSOFT } from '../graph.js';
import { computed, type LazyTensor, materialize } from './lazy-tensors.js';
import { reshape } from './layout.js';

export interface ProductOptions {
  readonly transposeA?: boolean | undefined;
  readonly transposeB?: boolean | undefined;
  /** The operand is stored rows first, `[M, G, K]` for G matrices `[M, K]`. */
  readonly rowsFirstA?: boolean | undefined;
  readonly rowsFirstB?: boolean | undefined;
  /** Factor of the product; default 1. */
  readonly scale?: number | undefined;
}

/**
 * The product of matrices, or of stacks of matrices with broadcasting. Matrices become Gemm, which takes a bias later;
 * stacks become ONNX Runtime's FusedMatMul where transposes or a factor are involved.
 */
export function matrixProduct(
  graph: GraphBuilder,
  a: LazyTensor,
  b: LazyTensor,
  { transposeA = false, transposeB = false, rowsFirstA = false, rowsFirstB = false, scale = 1 }: ProductOptions = {},
): LazyTensor {
  const left = rowsFirstA ? [a.shape[1]!, a.shape[0]!, a.shape[2]!] : a.shape;
  const right = rowsFirstB ? [b.shape[1]!, b.shape[0]!, b.shape[2]!] : b.shape;
  const rows = transposeA ? left.at(-1)! : left.at(-2)!;
  const columns = transposeB ? right.at(-2)! : right.at(-1)!;
  const stack = broadcastShape('matMul', left.slice(0, -2), right.slice(0, -2));
  const shape = [...stack, rows, columns];
  const output = [{ shape, type: 'float32' as const }];

  if (stack.length === 0) {
    const attributes = { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: scale } };
    const [value] = graph.node('Gemm', [materialize(graph, a), materialize(graph, b)], output, { attributes });
    return computed(graph, value!, 'float32');
  }
  // A stack of one matrix is a matrix.
  if (sizeOf(stack) === 1 && !rowsFirstA && !rowsFirstB) {
    const flat = (x: LazyTensor): LazyTensor => reshape(graph, x, x.shape.slice(-2));
    return reshape(graph, matrixProduct(graph, flat(a), flat(b), { transposeA, transposeB, scale }), shape);
  }
  const inputs = [materialize(graph, a), materialize(graph, b)];
  const plain = !transposeA && !transposeB && !rowsFirstA && !rowsFirstB && scale === 1;
  const attributes = {
    transA: Number(transposeA),
    transB: Number(transposeB),
    transBatchA: Number(rowsFirstA),
    transBatchB: Number(rowsFirstB),
    alpha: { float: scale },
  };
  const [value] = plain
    ? graph.node('MatMul', inputs, output)
    : graph.node('FusedMatMul', inputs, output, { attributes, domain: MICROSOFT });
  return computed(graph, value!, 'float32');
}
