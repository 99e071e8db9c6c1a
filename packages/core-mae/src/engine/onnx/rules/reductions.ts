import { util } from '@tensorflow/tfjs';
import type { DType } from '../../../contracts/tensor.js';
import { binary, cast } from '../operators/elementwise.js';
import type { GraphBuilder } from '../graph.js';
import { computed, int64s, type LazyTensor, materialize, uniform } from '../operators/lazy-tensors.js';
import { pad, slice, transpose } from '../operators/layout.js';
import { reduce, type Reduction } from '../operators/reductions.js';
import { type KernelRule, type KernelRules, rule } from './rule.js';

interface ReductionAttributes {
  readonly axis?: number | number[] | null;
  /** What TF.js calls the axes of `Max`. */
  readonly reductionIndices?: number | number[] | null;
  readonly keepDims?: boolean;
}

function axesOf(x: LazyTensor, { axis, reductionIndices }: ReductionAttributes): number[] {
  const given = axis ?? reductionIndices;
  return given === undefined || given === null
    ? x.shape.map((_, index) => index)
    : util.parseAxisParam(given, [...x.shape]);
}

const reduction = (op: Reduction, throughDtype?: DType): KernelRule =>
  rule<'x', ReductionAttributes>((graph, { x }, attributes) => {
    const input = cast(graph, x, throughDtype ?? (x.dtype === 'bool' ? 'int32' : x.dtype));
    const result = reduce(graph, op, input, axesOf(x, attributes), attributes.keepDims);
    return x.dtype === 'bool' && throughDtype === 'int32' ? cast(graph, result, 'bool') : result;
  });

const position = (op: 'ArgMax' | 'ArgMin'): KernelRule =>
  rule<'x', { axis: number }>((graph, { x }, { axis }) => {
    const input = materialize(graph, cast(graph, x, x.dtype === 'bool' ? 'int32' : x.dtype));
    const [along] = util.parseAxisParam(axis, [...x.shape]);
    const shape = x.shape.filter((_, index) => index !== along);
    const attributes = { axis: along!, keepdims: 0 };
    const [index] = graph.node(op, [input], [{ shape, type: 'int64' }], { attributes });
    const [value] = graph.node('Cast', [index!], [{ shape, type: 'int32' }], { attributes: { to: 6 } });
    return computed(graph, value!, 'int32');
  });

interface CumulativeAttributes {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

const runningSum = rule<'x', CumulativeAttributes>((graph, { x }, { axis, exclusive, reverse }) => {
  const along = graph.constant(Int32Array.of(axis < 0 ? axis + x.shape.length : axis), [], 'int32');
  const attributes = { exclusive: Number(exclusive), reverse: Number(reverse) };
  const [value] = graph.node('CumSum', [materialize(graph, x), along], [{ shape: x.shape, type: x.dtype }], {
    attributes,
  });
  return computed(graph, value!, x.dtype);
});

/** ONNX has no running product: each round multiplies by the tensor moved on by 1, 2, 4, … places, ones moving in. */
const runningProduct = rule<'x', CumulativeAttributes>((graph, { x }, { axis, exclusive, reverse }) => {
  const along = axis < 0 ? axis + x.shape.length : axis;
  const length = x.shape[along]!;
  let product = exclusive ? moved(graph, x, along, 1, reverse) : x;
  for (let places = 1; places < length; places *= 2) {
    product = binary(graph, 'Mul', product, moved(graph, product, along, places, reverse));
  }
  return product;
});

function moved(graph: GraphBuilder, x: LazyTensor, axis: number, places: number, backwards: boolean): LazyTensor {
  const length = x.shape[axis]!;
  const begin = x.shape.map((_, index) => (index === axis && backwards ? places : 0));
  const end = x.shape.map((size, index) => (index === axis && !backwards ? length - places : size));
  const paddings = x.shape.map((_, index) => (index !== axis ? [0, 0] : backwards ? [0, places] : [places, 0]));
  const one = materialize(graph, uniform(1, [], x.dtype));
  return pad(graph, slice(graph, x, { begin, end }), paddings, one);
}

const largest = rule<'x', { k: number }>((graph, { x }, { k }) => {
  const shape = [...x.shape.slice(0, -1), k];
  const outputs = [
    { shape, type: x.dtype },
    { shape, type: 'int64' as const },
  ];
  const [values, places] = graph.node('TopK', [materialize(graph, x), int64s(graph, [k])], outputs);
  const [indices] = graph.node('Cast', [places!], [{ shape, type: 'int32' }], { attributes: { to: 6 } });
  return [computed(graph, values!, x.dtype), computed(graph, indices!, 'int32')];
});

/** Reductions, running sums and products, places of extremes. */
export const reductionKernels: KernelRules = {
  Sum: reduction('ReduceSum'),
  Mean: reduction('ReduceMean', 'float32'),
  Max: reduction('ReduceMax'),
  Min: reduction('ReduceMin'),
  Prod: reduction('ReduceProd'),
  All: reduction('ReduceMin', 'int32'),
  Any: reduction('ReduceMax', 'int32'),
  ArgMax: position('ArgMax'),
  ArgMin: position('ArgMin'),
  Cumsum: runningSum,
  Cumprod: runningProduct,
  TopK: largest,
  Transpose: rule<'x', { perm: number[] }>((graph, { x }, { perm }) => transpose(graph, x, perm)),
};
