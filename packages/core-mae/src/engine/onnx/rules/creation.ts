import type { DType, Shape } from '../../../contracts/tensor.js';
import { binary, cast, where } from '../operators/elementwise.js';
import { constant, type LazyTensor, uniform } from '../operators/lazy-tensors.js';
import { reshape, sequence } from '../operators/layout.js';
import { type KernelRules, rule } from './rule.js';

interface OneHotAttributes {
  readonly depth: number;
  readonly onValue: number;
  readonly offValue: number;
  readonly dtype: DType;
}

/** Tensors made of numbers that are known while tracing, and changes of dtype. */
export const creationKernels: KernelRules = {
  Cast: rule<'x', { dtype: DType }>((graph, { x }, { dtype }) => cast(graph, x, dtype)),
  Fill: rule<never, { shape: Shape; value: number | boolean; dtype?: DType | null }>((_, __, { shape, value, dtype }) =>
    uniform(Number(value), shape, dtype ?? (typeof value === 'boolean' ? 'bool' : 'float32')),
  ),
  ZerosLike: rule<'x'>((_, { x }) => uniform(0, x.shape, x.dtype)),
  OnesLike: rule<'x'>((_, { x }) => uniform(1, x.shape, x.dtype)),
  Range: rule<never, { start: number; stop: number; step: number; dtype: DType }>((_, __, options) => {
    const { start, stop, step, dtype } = options;
    const length = Math.max(0, Math.ceil((stop - start) / step));
    const values = Array.from({ length }, (___, index) => start + index * step);
    return constant(values, [length], dtype);
  }),
  LinSpace: rule<never, { start: number; stop: number; num: number }>((_, __, { start, stop, num }) => {
    const step = (stop - start) / (num - 1);
    const values = Array.from({ length: num }, (___, index) => start + index * step);
    return constant(values, [num], 'float32');
  }),
  OneHot: rule<'indices', OneHotAttributes>((graph, { indices }, { depth, onValue, offValue, dtype }) => {
    const classes: LazyTensor = sequence(depth);
    const places = reshape(graph, indices, [...indices.shape, 1]);
    const hit = binary(graph, 'Equal', places, classes, 'bool');
    return where(graph, hit, uniform(onValue, [], dtype), uniform(offValue, [], dtype));
  }),
};
