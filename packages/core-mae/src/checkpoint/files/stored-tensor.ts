import { MaeError } from '../../base/errors.js';
import type { Parameter, Shape } from '../../contracts/tensor.js';

/** Bytes of one element, by the names that safetensors gives its types. */
export const ELEMENT_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

export type StoredDType = keyof typeof ELEMENT_BYTES;

/** Row-major values. F16 and BF16 stay as their 16 bits (`Uint16Array`); BOOL is one byte each. */
export type StoredData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A tensor as a file holds it. */
export interface StoredTensor {
  readonly dtype: StoredDType;
  readonly shape: Shape;
  readonly data: StoredData;
}

/** Tensors by name, in the file's order. */
export type StoredTensors = ReadonlyMap<string, StoredTensor>;

export function isStoredDType(name: string): name is StoredDType {
  return Object.hasOwn(ELEMENT_BYTES, name);
}

/** The buffer's bytes seen as elements of this type (little-endian, as every format we read stores them). */
export function viewAs(dtype: StoredDType, buffer: ArrayBuffer): StoredData {
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer);
    case 'F32':
      return new Float32Array(buffer);
    case 'F16':
    case 'BF16':
    case 'U16':
      return new Uint16Array(buffer);
    case 'I64':
      return new BigInt64Array(buffer);
    case 'U64':
      return new BigUint64Array(buffer);
    case 'I32':
      return new Int32Array(buffer);
    case 'U32':
      return new Uint32Array(buffer);
    case 'I16':
      return new Int16Array(buffer);
    case 'I8':
      return new Int8Array(buffer);
    case 'U8':
    case 'BOOL':
      return new Uint8Array(buffer);
  }
}

/** A parameter as it is stored: F32, sharing the parameter's array. */
export function storedParameter({ shape, data }: Parameter): StoredTensor {
  return { dtype: 'F32', shape, data };
}

/**
 * The values as float32; F32 data is returned as it is, not copied.
 *
 * @throws MaeError `CHECKPOINT_INVALID` for integers: weights that were quantised would load as nonsense
 */
export function toFloat32({ dtype, data }: StoredTensor, name: string, path?: string): Float32Array {
  switch (dtype) {
    case 'F32':
      return data as Float32Array;
    case 'F64':
      return new Float32Array(data as Float64Array);
    case 'F16':
      return decode16(data as Uint16Array, halfValues());
    case 'BF16': {
      const bits = new Uint32Array(data.length);
      for (let i = 0; i < bits.length; i++) bits[i] = (data as Uint16Array)[i]! << 16;
      return new Float32Array(bits.buffer);
    }
    default:
      throw new MaeError('CHECKPOINT_INVALID', {
        what: `tensor \`${name}\` holds ${dtype} where floating-point weights are needed`,
        where: path,
        fix: 'quantised checkpoints are not supported: use one in float32, float16 or bfloat16',
      });
  }
}

/**
 * Integers or booleans as plain numbers.
 *
 * @throws MaeError `CHECKPOINT_INVALID` for a value that a number cannot hold exactly
 */
export function toNumbers({ data }: StoredTensor, name: string): number[] {
  return Array.from(data as ArrayLike<number | bigint>, (value) => {
    const number = Number(value);
    if (typeof value === 'bigint' && !Number.isSafeInteger(number)) {
      throw new MaeError('CHECKPOINT_INVALID', { what: `tensor \`${name}\` holds ${value}, beyond 53 bits` });
    }
    return number;
  });
}

function decode16(bits: Uint16Array, values: Float32Array): Float32Array {
  const decoded = new Float32Array(bits.length);
  for (let i = 0; i < decoded.length; i++) decoded[i] = values[bits[i]!]!;
  return decoded;
}

let halfTable: Float32Array | undefined;

/** The float32 value of each of the 65,536 half-precision bit patterns (IEEE 754 binary16). */
function halfValues(): Float32Array {
  halfTable ??= Float32Array.from({ length: 0x10000 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
  return halfTable;
}
