import { type DType, sameShape, type Shape } from '../../../contracts/tensor.js';
import { MaeError } from '../../../base/errors.js';
import type { Attributes, GraphBuilder } from '../graph.js';
import { broadcast, computed, type LazyTensor, operand, uniform } from './lazy-tensors.js';

type Arithmetic = 'Add' | 'Sub' | 'Mul' | 'Div';

/** An op of two tensors with broadcasting. `dtype` is that of the result, by default the first operand's. */
export function binary(
  graph: GraphBuilder,
  op: string,
  a: LazyTensor,
  b: LazyTensor,
  dtype: DType = a.dtype,
): LazyTensor {
  const shape = broadcastShape(op, a.shape, b.shape);
  const simpler = simplify(op, a, b);
  if (simpler !== undefined) return broadcast(simpler, shape);
  const [left, right] = [operand(graph, a), operand(graph, b)];
  const smallest = broadcastShape(op, left.shape, right.shape);
  const [value] = graph.node(op, [left, right], [{ shape: smallest, type: dtype }]);
  return broadcast(computed(graph, value!, dtype), shape);
}

/** An op of one tensor that treats every element alike. */
export function unary(
  graph: GraphBuilder,
  op: string,
  x: LazyTensor,
  { attributes = {}, dtype = x.dtype }: { attributes?: Attributes; dtype?: DType } = {},
): LazyTensor {
  const input = operand(graph, x);
  const [value] = graph.node(op, [input], [{ shape: input.shape, type: dtype }], { attributes });
  return broadcast(computed(graph, value!, dtype), x.shape);
}

const ELEMENT_TYPES = { float32: 1, int32: 6, bool: 9 } as const;

export function cast(graph: GraphBuilder, x: LazyTensor, dtype: DType): LazyTensor {
  if (x.dtype === dtype) return x;
  if (x.kind === 'uniform') {
    const number = dtype === 'bool' ? Number(x.number !== 0) : dtype === 'int32' ? Math.trunc(x.number) : x.number;
    return uniform(number, x.shape, dtype);
  }
  return unary(graph, 'Cast', x, { attributes: { to: ELEMENT_TYPES[dtype] }, dtype });
}

/** `a` where the condition holds, else `b`; all three broadcast. */
export function where(graph: GraphBuilder, condition: LazyTensor, a: LazyTensor, b: LazyTensor): LazyTensor {
  const shape = broadcastShape('Where', condition.shape, broadcastShape('Where', a.shape, b.shape));
  // ONNX Runtime has no Where of booleans.
  if (a.dtype === 'bool') {
    return cast(graph, where(graph, condition, cast(graph, a, 'int32'), cast(graph, b, 'int32')), 'bool');
  }
  const inputs = [condition, a, b].map((tensor) => operand(graph, tensor));
  const smallest = inputs.map((value) => value.shape).reduce((left, right) => broadcastShape('Where', left, right));
  const [value] = graph.node('Where', inputs, [{ shape: smallest, type: a.dtype }]);
  return broadcast(computed(graph, value!, a.dtype), shape);
}

/** @throws MaeError `SHAPE_MISMATCH` */
export function broadcastShape(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [left, right] = [a[a.length - rank + axis] ?? 1, b[b.length - rank + axis] ?? 1];
    if (left !== right && left !== 1 && right !== 1) {
      throw new MaeError('SHAPE_MISMATCH', {
        what: `${op}: [${a.join(', ')}] does not broadcast with [${b.join(', ')}]`,
      });
    }
    return left === 1 ? right : left;
  });
}

const scalarOps: Record<Arithmetic, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

/** One of the operands, or a uniform value, where arithmetic with uniform values allows it. */
function simplify(op: string, a: LazyTensor, b: LazyTensor): LazyTensor | undefined {
  if (!(op in scalarOps)) return undefined;
  const [left, right] = [a, b].map((tensor) => (tensor.kind === 'uniform' ? tensor.number : undefined));
  if (left !== undefined && right !== undefined && a.dtype === 'float32') {
    return uniform(Math.fround(scalarOps[op as Arithmetic](left, right)), []);
  }
  if ((op === 'Mul' || op === 'Div') && right === 1) return a;
  if ((op === 'Add' || op === 'Sub') && right === 0) return a;
  if ((op === 'Mul' && left === 1) || (op === 'Add' && left === 0)) return b;
  return undefined;
}
