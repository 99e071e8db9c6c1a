import type { GraphBuilder } from '../graph.js';
import { computed, int64s, type LazyTensor, materialize } from './lazy-tensors.js';

export type Reduction = 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd';

/** @param axes counted from 0; none leaves `x` as it is */
export function reduce(
  graph: GraphBuilder,
  op: Reduction,
  x: LazyTensor,
  axes: readonly number[],
  keepDims = false,
): LazyTensor {
  if (axes.length === 0) return x;
  const kept = x.shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension));
  const shape = keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis));
  const inputs = [materialize(graph, x), int64s(graph, axes)];
  const attributes = { keepdims: Number(keepDims) };
  const [value] = graph.node(op, inputs, [{ shape, type: x.dtype }], { attributes });
  return computed(graph, value!, x.dtype);
}
