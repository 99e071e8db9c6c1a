/*
 * engine/onnx/operators/: the vocabulary that rules write in: tensors that stay descriptions as long as they can (this
 * file), and elementwise operators, products, reductions and layout on them.
 * Not here: TF.js's kernels by name: `rules`.
 * Called by: `rules`, and the tracer at a function's ends.
 */

import { type DType, sameShape, type Shape, sizeOf } from '../../../contracts/tensor.js';
import type { ConstantData, GraphBuilder, GraphValue } from '../graph.js';

/**
 * A tensor while a function is traced. Uniform values and broadcasts stay descriptions for as long as possible: TF.js's
 * gradients multiply by `ones` of full size, and most such factors vanish or shrink to a scalar.
 */
export type LazyTensor = Computed | Constant | Uniform | Broadcast;

interface Described {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A value in the graph. */
export interface Computed extends Described {
  readonly kind: 'computed';
  readonly value: GraphValue;
  /** The graph it belongs to: a tensor kept from an earlier trace must not slip into another. */
  readonly graph: GraphBuilder;
}

/** Values known while tracing. */
export interface Constant extends Described {
  readonly kind: 'constant';
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** The same number everywhere. */
export interface Uniform extends Described {
  readonly kind: 'uniform';
  readonly number: number;
}

/** A smaller tensor seen at a larger shape, by NumPy's broadcasting rules. */
export interface Broadcast extends Described {
  readonly kind: 'broadcast';
  readonly source: Computed | Constant;
}

export function uniform(number: number, shape: Shape, dtype: DType = 'float32'): Uniform {
  return { kind: 'uniform', number, shape, dtype };
}

export function constant(values: readonly number[] | Constant['data'], shape: Shape, dtype: DType): Constant | Uniform {
  const first = values[0];
  if (first !== undefined && !Number.isNaN(first) && values.every((value: number) => Object.is(value, first))) {
    return uniform(first, shape, dtype);
  }
  return { kind: 'constant', data: typedValues(values, dtype), shape, dtype };
}

export function computed(graph: GraphBuilder, value: GraphValue, dtype: DType, shape = value.shape): Computed {
  return { kind: 'computed', graph, value, dtype, shape };
}

/** The same tensor seen at a shape that it broadcasts to. */
export function broadcast(tensor: LazyTensor, shape: Shape): LazyTensor {
  if (sameShape(tensor.shape, shape)) return tensor;
  if (tensor.kind === 'uniform') return { ...tensor, shape };
  const source = tensor.kind === 'broadcast' ? tensor.source : tensor;
  if (sameShape(source.shape, shape)) return source;
  return { kind: 'broadcast', source, shape, dtype: tensor.dtype };
}

/** The tensor as a value of its full shape. */
export function materialize(graph: GraphBuilder, tensor: LazyTensor): GraphValue {
  switch (tensor.kind) {
    case 'computed':
      return tensor.value;
    case 'constant':
      return graph.constant(tensor.data, tensor.shape, tensor.dtype);
    case 'uniform':
      // A vector is stored as it is; anything larger is spread by the runtime.
      return sizeOf(tensor.shape) <= 64
        ? graph.constant(filled(tensor, sizeOf(tensor.shape)), tensor.shape, tensor.dtype)
        : expand(graph, scalar(graph, tensor), tensor.shape);
    case 'broadcast':
      return expand(graph, materialize(graph, tensor.source), tensor.shape);
  }
}

/** The smallest value that an op with broadcasting may take in the tensor's place. */
export function operand(graph: GraphBuilder, tensor: LazyTensor): GraphValue {
  if (tensor.kind === 'uniform') return scalar(graph, tensor);
  return materialize(graph, tensor.kind === 'broadcast' ? tensor.source : tensor);
}

/** A one-dimensional int64 constant, as ONNX wants axes, shapes and bounds. */
export function int64s(graph: GraphBuilder, values: readonly number[]): GraphValue {
  return graph.constant(BigInt64Array.from(values, BigInt), [values.length], 'int64');
}

/** The values of a tensor that is known while tracing, or undefined. */
export function knownValues(tensor: LazyTensor): ConstantData | undefined {
  if (tensor.kind === 'constant') return tensor.data;
  return tensor.kind === 'uniform' ? filled(tensor, sizeOf(tensor.shape)) : undefined;
}

function scalar(graph: GraphBuilder, tensor: Uniform): GraphValue {
  return graph.constant(filled(tensor, 1), [], tensor.dtype);
}

function expand(graph: GraphBuilder, value: GraphValue, shape: Shape): GraphValue {
  return graph.node('Expand', [value, int64s(graph, shape)], [{ shape, type: value.type }])[0]!;
}

function filled({ number, dtype }: Uniform, size: number): Constant['data'] {
  if (dtype === 'float32') return new Float32Array(size).fill(number);
  return dtype === 'int32' ? new Int32Array(size).fill(number) : new Uint8Array(size).fill(number);
}

function typedValues(values: readonly number[] | Constant['data'], dtype: DType): Constant['data'] {
  if (dtype === 'float32') return values instanceof Float32Array ? values : Float32Array.from(values);
  if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(values);
  return values instanceof Uint8Array ? values : Uint8Array.from(values);
}
