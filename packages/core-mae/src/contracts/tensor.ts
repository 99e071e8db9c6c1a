/*
 * contracts/: the interfaces at which everything meets: tensors, engines, data sets, transforms, objectives, tasks,
 * backbones, trackers. A room that needs another one needs its contract, and a plugin is written against these alone.
 * Not here: anything that computes, besides what is true of a shape or a recorder by itself. Values and defaults are
 * in `train/settings`.
 * Called by: every room; of a task's author, `objective` and `task` come first.
 */

/** Tensor dimensions, outermost first; all sizes are known before a program is compiled. */
export type Shape = readonly number[];

export type DType = 'float32' | 'int32' | 'bool';

export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Row-major values: `Float32Array` for float32, `Int32Array` for int32, `Uint8Array` for bool. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** A tensor in the process's own memory, as batches and results travel between TypeScript and an engine. */
export interface HostTensor extends TensorSpec {
  readonly data: TensorData;
}

/** All that one step needs besides the parameters: pixels, index maps, keep masks, targets; each of a fixed shape. */
export type Batch = Readonly<Record<string, HostTensor>>;

/** What a program computed, by name. */
export type Outputs = Readonly<Record<string, HostTensor>>;

/** A named float32 array that training changes in place. */
export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** A flat map from official names (`blocks.0.attn.qkv.weight`) to values, in a fixed order. */
export type ParameterTree = ReadonlyMap<string, Parameter>;

/** Number of elements of a tensor of this shape (1 for a scalar). */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}
