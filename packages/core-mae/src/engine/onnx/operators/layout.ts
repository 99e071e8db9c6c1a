import { sameShape, type Shape, sizeOf } from '../../../contracts/tensor.js';
import type { GraphBuilder, GraphValue } from '../graph.js';
import { computed, constant, int64s, type LazyTensor, materialize } from './lazy-tensors.js';

/** The same values in the same order at another shape. */
export function reshape(graph: GraphBuilder, x: LazyTensor, shape: Shape): LazyTensor {
  if (sameShape(x.shape, shape)) return x;
  if (x.kind === 'uniform' || x.kind === 'constant') return { ...x, shape };
  let value = materialize(graph, x);
  // A reshape of a reshape looks through to the original value.
  for (let node = graph.producer(value); node?.op === 'Reshape'; node = graph.producer(value)) value = node.inputs[0]!;
  if (!sameShape(value.shape, shape)) {
    value = graph.node('Reshape', [value, int64s(graph, shape)], [{ shape, type: value.type }])[0]!;
  }
  return computed(graph, value, x.dtype);
}

/** Axes reordered: axis i of the result is axis `order[i]` of `x`. */
export function transpose(graph: GraphBuilder, x: LazyTensor, order: readonly number[]): LazyTensor {
  const shape = order.map((axis) => x.shape[axis]!);
  if (x.kind === 'uniform') return { ...x, shape };
  if (order.every((axis, index) => axis === index)) return x;
  // Moving only axes of size 1 moves no data.
  const long = order.filter((axis) => x.shape[axis] !== 1);
  if (long.every((axis, index) => index === 0 || axis > long[index - 1]!)) return reshape(graph, x, shape);
  const value = materialize(graph, x);
  const inner = graph.producer(value);
  if (inner?.op === 'Transpose') {
    const innerOrder = inner.attributes.perm as readonly number[];
    return transpose(
      graph,
      computed(graph, inner.inputs[0]!, x.dtype),
      order.map((axis) => innerOrder[axis]!),
    );
  }
  const [result] = graph.node('Transpose', [value], [{ shape, type: value.type }], { attributes: { perm: order } });
  return computed(graph, result!, x.dtype);
}

export interface SliceBounds {
  /** Per axis, inclusive. */
  readonly begin: readonly number[];
  /** Per axis, exclusive; below zero for "to before the first" with a negative step. */
  readonly end: readonly number[];
  /** Per axis; default 1. */
  readonly steps?: readonly number[];
}

export function slice(graph: GraphBuilder, x: LazyTensor, { begin, end, steps }: SliceBounds): LazyTensor {
  const step = (axis: number): number => steps?.[axis] ?? 1;
  const shape = x.shape.map((_, axis) => Math.max(0, Math.ceil((end[axis]! - begin[axis]!) / step(axis))));
  if (x.kind === 'uniform') return { ...x, shape };
  const axes = x.shape.map((_, axis) => axis).filter((axis) => shape[axis] !== x.shape[axis] || step(axis) !== 1);
  if (axes.length === 0) return x;
  const beforeFirst = -(2 ** 31);
  const bounds = [
    axes.map((axis) => begin[axis]!),
    axes.map((axis) => (step(axis) < 0 && end[axis]! < 0 ? beforeFirst : end[axis]!)),
    axes,
    axes.map(step),
  ].map((values) => int64s(graph, values));
  const value = materialize(graph, x);
  const [result] = graph.node('Slice', [value, ...bounds], [{ shape, type: value.type }]);
  return computed(graph, result!, x.dtype);
}

export function concat(graph: GraphBuilder, parts: readonly LazyTensor[], axis: number): LazyTensor {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const size = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
  const shape = first!.shape.map((dimension, index) => (index === axis ? size : dimension));
  const inputs = parts.map((part) => materialize(graph, part));
  const [result] = graph.node('Concat', inputs, [{ shape, type: first!.dtype }], { attributes: { axis } });
  return computed(graph, result!, first!.dtype);
}

/** @param paddings per axis, before and after */
export function pad(
  graph: GraphBuilder,
  x: LazyTensor,
  paddings: ReadonlyArray<readonly number[]>,
  fill: GraphValue,
): LazyTensor {
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
  const shape = x.shape.map((dimension, axis) => dimension + paddings[axis]![0]! + paddings[axis]![1]!);
  const amounts = int64s(graph, [...paddings.map(([before]) => before!), ...paddings.map(([, after]) => after!)]);
  const value = materialize(graph, x);
  const [result] = graph.node('Pad', [value, amounts, fill], [{ shape, type: value.type }]);
  return computed(graph, result!, x.dtype);
}

/** Slices of `x` along an axis by index: `[..., A, ...]`, indices `[...I]` → `[..., ...I, ...]`. */
export function gather(graph: GraphBuilder, x: LazyTensor, indices: LazyTensor, axis: number): LazyTensor {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  if (x.kind === 'uniform') return { ...x, shape };
  const inputs = [materialize(graph, x), materialize(graph, indices)];
  const [result] = graph.node('Gather', inputs, [{ shape, type: x.dtype }], { attributes: { axis } });
  return computed(graph, result!, x.dtype);
}

/** Whole numbers from `start`, as an int32 constant. */
export function sequence(length: number, start = 0, step = 1): LazyTensor {
  return constant(
    Array.from({ length }, (_, index) => start + index * step),
    [length],
    'int32',
  );
}

/** A tensor as rows of its last axis: `[..., D]` → `[R, D]`. */
export function asRows(graph: GraphBuilder, x: LazyTensor): LazyTensor {
  const width = x.shape.at(-1)!;
  return reshape(graph, x, [sizeOf(x.shape) / width, width]);
}
