import type { Shape } from '../../contracts/tensor.js';
import type { StoredDType } from '../files/stored-tensor.js';

/**
 * What a pickle may hold here: data only. Lists are arrays, dictionaries are maps, and nothing has a method that
 * anyone but this library wrote.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleDict
  | PickleTuple
  | PickleGlobal
  | PickleRecord
  | PickleStorage
  | PickleTensor
  | PickleNumpyType
  | PickleArray;

export type PickleDict = Map<PickleValue, PickleValue>;

export interface PickleTuple {
  readonly kind: 'tuple';
  readonly items: readonly PickleValue[];
}

/** A name from the allow-list, "module name"; it stands for itself and cannot be called. */
export interface PickleGlobal {
  readonly kind: 'global';
  readonly name: string;
}

/** An object that carries nothing needed here, such as the arguments of a training script; never interpreted. */
export interface PickleRecord {
  readonly kind: 'record';
  readonly type: string;
  state: PickleValue;
}

/** Elements of tensors, kept elsewhere in the file under a key. */
export interface PickleStorage {
  readonly kind: 'storage';
  readonly key: string;
  readonly dtype: StoredDType;
  /** Number of elements. */
  readonly length: number;
}

/** A view of a storage; offset and strides count elements. */
export interface PickleTensor {
  readonly kind: 'tensor';
  readonly storage: PickleStorage;
  readonly offset: number;
  readonly shape: Shape;
  readonly stride: readonly number[];
}

/** A NumPy element type: `f4`, `i8`; its byte order follows in a second step, as NumPy pickles it. */
export interface PickleNumpyType {
  readonly kind: 'numpy-type';
  readonly name: string;
  byteOrder: string;
}

/** A NumPy array, filled in a second step, as NumPy pickles it. */
export interface PickleArray {
  readonly kind: 'array';
  shape: Shape;
  type: PickleNumpyType | undefined;
  fortranOrder: boolean;
  /** A string holds one byte in each character; undefined: an array of objects, which is never interpreted. */
  content: Uint8Array | string | undefined;
}

/** A value's type for messages: "a list", "a tensor". */
export function describe(value: PickleValue): string {
  if (value === null) return 'None';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Map) return 'a dictionary';
  if (value instanceof Uint8Array) return 'bytes';
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (value.kind === 'global') return value.name.replace(' ', '.');
  return value.kind === 'record' ? value.type : `a ${value.kind}`;
}

export function isKind<Kind extends 'tuple' | 'global' | 'storage' | 'tensor' | 'numpy-type' | 'array' | 'record'>(
  value: PickleValue | undefined,
  kind: Kind,
): value is Extract<PickleValue, { kind: Kind }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

export function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A tuple or list of non-negative integers, or undefined. */
export function countsOf(value: PickleValue | undefined): number[] | undefined {
  const items = isKind(value, 'tuple') ? value.items : value;
  return Array.isArray(items) && items.every(isCount) ? [...items] : undefined;
}
