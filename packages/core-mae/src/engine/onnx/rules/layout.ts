import { backend_util, slice_util, util } from '@tensorflow/tfjs';
import { type Shape, sizeOf } from '../../../contracts/tensor.js';
import { computed, constant, broadcast, int64s, materialize, uniform } from '../operators/lazy-tensors.js';
import { concat, gather, pad, reshape, slice, transpose } from '../operators/layout.js';
import { type KernelRules, listRule, rule } from './rule.js';

interface StridedSliceAttributes {
  readonly begin: number[];
  readonly end: number[];
  readonly strides: number[];
  readonly beginMask: number;
  readonly endMask: number;
  readonly ellipsisMask: number;
  readonly newAxisMask: number;
  readonly shrinkAxisMask: number;
}

const counted = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
const inserted = (shape: Shape, axis: number, size: number): number[] => [
  ...shape.slice(0, axis),
  size,
  ...shape.slice(axis),
];

/** Index along a padded axis, reflected into 0 … size − 1 (`edge` 1 repeats the outermost element, 0 does not). */
function mirrored(size: number, before: number, after: number, edge: 0 | 1): number[] {
  return Array.from({ length: before + size + after }, (_, index) => {
    const place = index - before;
    if (place < 0) return -place - edge;
    return place < size ? place : 2 * (size - 1) - place + edge;
  });
}

/** Kernels that move values without computing: shapes, slices, joins, padding, repetition. */
export const layoutKernels: KernelRules = {
  Reshape: rule<'x', { shape: number[] }>((graph, { x }, { shape }) =>
    reshape(graph, x, util.inferFromImplicitShape(shape, sizeOf(x.shape))),
  ),
  ExpandDims: rule<'input', { dim: number }>((graph, { input }, { dim }) =>
    reshape(graph, input, inserted(input.shape, counted(dim, input.shape.length + 1), 1)),
  ),
  Concat: listRule<{ axis: number }>((graph, parts, { axis }) => {
    const full = parts.filter(({ shape }) => sizeOf(shape) > 0);
    return concat(graph, full.length === 0 ? parts : full, counted(axis, parts[0]!.shape.length));
  }),
  Pack: listRule<{ axis: number }>((graph, parts, { axis }) => {
    const along = counted(axis, parts[0]!.shape.length + 1);
    const expanded = parts.map((part) => reshape(graph, part, inserted(part.shape, along, 1)));
    return concat(graph, expanded, along);
  }),
  Unpack: rule<'value', { axis: number }>((graph, { value }, { axis }) => {
    const along = counted(axis, value.shape.length);
    return Array.from({ length: value.shape[along]! }, (_, index) => {
      const begin = value.shape.map((__, place) => (place === along ? index : 0));
      const end = value.shape.map((size, place) => (place === along ? index + 1 : size));
      const part = slice(graph, value, { begin, end });
      return reshape(
        graph,
        part,
        value.shape.filter((__, place) => place !== along),
      );
    });
  }),
  Slice: rule<'x', { begin: number | number[]; size: number | number[] }>((graph, { x }, attributes) => {
    const info = { shape: [...x.shape], dtype: x.dtype, dataId: {} };
    const [begin, size] = slice_util.parseSliceParams(info, attributes.begin, attributes.size);
    return slice(graph, x, { begin: begin!, end: begin!.map((first, axis) => first + size![axis]!) });
  }),
  StridedSlice: rule<'x', StridedSliceAttributes>((graph, { x }, a) => {
    const info = slice_util.sliceInfo(
      [...x.shape],
      a.begin,
      a.end,
      a.strides,
      a.beginMask,
      a.endMask,
      a.ellipsisMask,
      a.newAxisMask,
      a.shrinkAxisMask,
    );
    const part = slice(graph, x, { begin: info.begin, end: info.end, steps: info.strides });
    return reshape(graph, part, info.finalShape);
  }),
  SplitV: rule<'x', { numOrSizeSplits: number | number[]; axis: number }>((graph, { x }, attributes) => {
    const [axis] = util.parseAxisParam(attributes.axis, [...x.shape]);
    const info = { shape: [...x.shape], dtype: x.dtype, dataId: {} };
    const sizes = backend_util.prepareSplitSize(info, attributes.numOrSizeSplits, axis);
    const outputs = sizes.map((size) => ({
      shape: x.shape.map((dimension, index) => (index === axis ? size : dimension)),
      type: x.dtype,
    }));
    if (x.kind === 'uniform') return outputs.map(({ shape }) => ({ ...x, shape }));
    const parts = graph.node('Split', [materialize(graph, x), int64s(graph, sizes)], outputs, {
      attributes: { axis: axis! },
    });
    return parts.map((part) => computed(graph, part, x.dtype));
  }),
  PadV2: rule<'x', { paddings: number[][]; constantValue: number }>((graph, { x }, { paddings, constantValue }) =>
    pad(graph, x, paddings, materialize(graph, uniform(constantValue, [], x.dtype))),
  ),
  MirrorPad: rule<'x', { paddings: number[][]; mode: 'reflect' | 'symmetric' }>((graph, { x }, { paddings, mode }) =>
    paddings.reduce((padded, [before, after], axis) => {
      if (before === 0 && after === 0) return padded;
      const places = mirrored(x.shape[axis]!, before!, after!, mode === 'reflect' ? 0 : 1);
      return gather(graph, padded, constant(places, [places.length], 'int32'), axis);
    }, x),
  ),
  Tile: rule<'x', { reps: number[] }>((graph, { x }, { reps }) => {
    const shape = x.shape.map((size, axis) => size * reps[axis]!);
    if (x.kind === 'uniform') return { ...x, shape };
    if (reps.every((times, axis) => times === 1 || x.shape[axis] === 1)) return broadcast(x, shape);
    const [value] = graph.node('Tile', [materialize(graph, x), int64s(graph, reps)], [{ shape, type: x.dtype }]);
    return computed(graph, value!, x.dtype);
  }),
  Reverse: rule<'x', { dims: number | number[] }>((graph, { x }, { dims }) => {
    const axes = util.parseAxisParam(dims, [...x.shape]);
    const backwards = (axis: number): boolean => axes.includes(axis);
    return slice(graph, x, {
      begin: x.shape.map((size, axis) => (backwards(axis) ? size - 1 : 0)),
      end: x.shape.map((size, axis) => (backwards(axis) ? -1 : size)),
      steps: x.shape.map((_, axis) => (backwards(axis) ? -1 : 1)),
    });
  }),
  DepthToSpace: rule<'x', { blockSize: number; dataFormat: 'NHWC' | 'NCHW' }>((graph, { x }, options) => {
    const { blockSize: block, dataFormat } = options;
    const [batch, height, width, channels] = (
      dataFormat === 'NHWC' ? x.shape : [0, 2, 3, 1].map((axis) => x.shape[axis]!)
    ) as [number, number, number, number];
    const depth = channels / (block * block);
    if (dataFormat === 'NHWC') {
      const parts = reshape(graph, x, [batch, height, width, block, block, depth]);
      const ordered = transpose(graph, parts, [0, 1, 3, 2, 4, 5]);
      return reshape(graph, ordered, [batch, height * block, width * block, depth]);
    }
    const parts = reshape(graph, x, [batch, block, block, depth, height, width]);
    const ordered = transpose(graph, parts, [0, 3, 4, 1, 5, 2]);
    return reshape(graph, ordered, [batch, depth, height * block, width * block]);
  }),
};
