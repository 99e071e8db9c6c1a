import { type Shape, sizeOf } from '../../../contracts/tensor.js';
import { binary, cast, where } from '../operators/elementwise.js';
import type { GraphBuilder } from '../graph.js';
import { broadcast, computed, constant, type LazyTensor, materialize, uniform } from '../operators/lazy-tensors.js';
import { gather, reshape, sequence, slice } from '../operators/layout.js';
import { matrixProduct } from '../operators/matrix-products.js';
import { unsupported } from '../operators/unsupported.js';
import { type KernelRules, rule } from './rule.js';

/**
 * Rows of `x` added up by segment: `[K, ...]`, ids `[K]` → `[S, ...]`; ids outside 0 … S − 1 are left out.
 *
 * ONNX Runtime's ScatterND races where indices repeat. ScatterElements does not, and for few segments a product with
 * the one-hot matrix of the ids is faster than either.
 */
function segmentSum(graph: GraphBuilder, x: LazyTensor, ids: LazyTensor, numSegments: number): LazyTensor {
  const numRows = sizeOf(ids.shape);
  const rest = x.shape.slice(ids.shape.length);
  const width = sizeOf(rest);
  const rows = reshape(graph, cast(graph, x, 'float32'), [numRows, width]);
  const flatIds = reshape(graph, ids, [numRows]);
  const sums =
    numSegments <= 256
      ? matrixProduct(graph, oneHotRows(graph, flatIds, numSegments), rows)
      : scatterRows(graph, rows, flatIds, numSegments);
  return cast(graph, reshape(graph, sums, [numSegments, ...rest]), x.dtype);
}

function oneHotRows(graph: GraphBuilder, ids: LazyTensor, numSegments: number): LazyTensor {
  const segments = reshape(graph, sequence(numSegments), [numSegments, 1]);
  return cast(graph, binary(graph, 'Equal', segments, ids, 'bool'), 'float32');
}

function scatterRows(graph: GraphBuilder, rows: LazyTensor, ids: LazyTensor, numSegments: number): LazyTensor {
  const [numRows, width] = rows.shape as [number, number];
  // A row after the last collects what belongs nowhere.
  const outside = binary(graph, 'Less', ids, uniform(0, [], 'int32'), 'bool');
  const beyond = binary(graph, 'GreaterOrEqual', ids, uniform(numSegments, [], 'int32'), 'bool');
  const nowhere = uniform(numSegments, [], 'int32');
  const safe = where(graph, binary(graph, 'Or', outside, beyond, 'bool'), nowhere, ids);
  const places = broadcast(reshape(graph, safe, [numRows, 1]), [numRows, width]);
  const shape = [numSegments + 1, width];
  const inputs = [uniform(0, shape), places, rows].map((tensor) => materialize(graph, tensor));
  const attributes = { axis: 0, reduction: 'add' };
  const [sums] = graph.node('ScatterElements', inputs, [{ shape, type: 'float32' }], { attributes });
  return slice(graph, computed(graph, sums!, 'float32'), { begin: [0, 0], end: [numSegments, width] });
}

/** Where the first `batchDims` axes of table and indices are one batch: flat row numbers into one long table. */
function batchedGather(graph: GraphBuilder, x: LazyTensor, indices: LazyTensor, batchDims: number): LazyTensor {
  const batch = x.shape.slice(0, batchDims);
  const length = x.shape[batchDims]!;
  const rest = x.shape.slice(batchDims + 1);
  const table = reshape(graph, x, [sizeOf(batch) * length, ...rest]);
  const starts = constant(
    Array.from({ length: sizeOf(batch) }, (_, index) => index * length),
    [...batch, ...indices.shape.slice(batchDims).map(() => 1)],
    'int32',
  );
  return gather(graph, table, binary(graph, 'Add', indices, starts), 0);
}

/** Row numbers of a table `[prod(outer), ...]` for index tuples `[..., R]` into `outer`. */
function flatIndices(graph: GraphBuilder, tuples: LazyTensor, outer: Shape): LazyTensor {
  const shape = tuples.shape.slice(0, -1);
  return outer
    .map((_, axis) => {
      const begin = tuples.shape.map((__, index) => (index === shape.length ? axis : 0));
      const end = tuples.shape.map((size, index) => (index === shape.length ? axis + 1 : size));
      const column = reshape(graph, slice(graph, tuples, { begin, end }), shape);
      return binary(graph, 'Mul', column, uniform(sizeOf(outer.slice(axis + 1)), [], 'int32'));
    })
    .reduce((sum, term) => binary(graph, 'Add', sum, term));
}

/** Kernels that read and add up by index. */
export const indexingKernels: KernelRules = {
  GatherV2: rule<'x' | 'indices', { axis: number; batchDims: number }>((graph, { x, indices }, attributes) => {
    const { axis, batchDims } = attributes;
    const whole = cast(graph, indices, 'int32');
    if (batchDims === 0) return gather(graph, x, whole, axis < 0 ? axis + x.shape.length : axis);
    if (batchDims !== axis) throw unsupported(`tf.gather with batchDims ${batchDims} on axis ${axis}`);
    return batchedGather(graph, x, whole, batchDims);
  }),
  GatherNd: rule<'params' | 'indices'>((graph, { params, indices }) => {
    const depth = indices.shape.at(-1)!;
    const [outer, rest] = [params.shape.slice(0, depth), params.shape.slice(depth)];
    const table = reshape(graph, params, [sizeOf(outer), ...rest]);
    return gather(graph, table, flatIndices(graph, indices, outer), 0);
  }),
  ScatterNd: rule<'indices' | 'updates', { shape: number[] }>((graph, { indices, updates }, { shape }) => {
    const depth = indices.shape.at(-1)!;
    const [outer, rest] = [shape.slice(0, depth), shape.slice(depth)];
    const rows = flatIndices(graph, indices, outer);
    return reshape(graph, segmentSum(graph, updates, rows, sizeOf(outer)), [...outer, ...rest]);
  }),
  UnsortedSegmentSum: rule<'x' | 'segmentIds', { numSegments: number }>((graph, inputs, { numSegments }) =>
    segmentSum(graph, inputs.x, inputs.segmentIds, numSegments),
  ),
};
