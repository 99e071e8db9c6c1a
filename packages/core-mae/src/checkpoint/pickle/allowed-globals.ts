import { MAX_NAME } from '../files/checkpoint-file.js';
import type { StoredDType } from '../files/stored-tensor.js';
import { type GlobalRule, PickleError } from './stack.js';
import {
  countsOf,
  describe,
  isCount,
  isKind,
  type PickleNumpyType,
  type PickleStorage,
  type PickleTensor,
  type PickleValue,
} from './values.js';

/** Element types of torch's storages, by the name in the pickle. */
const STORAGE_TYPES: Readonly<Record<string, StoredDType>> = {
  'torch DoubleStorage': 'F64',
  'torch FloatStorage': 'F32',
  'torch HalfStorage': 'F16',
  'torch BFloat16Storage': 'BF16',
  'torch LongStorage': 'I64',
  'torch IntStorage': 'I32',
  'torch ShortStorage': 'I16',
  'torch CharStorage': 'I8',
  'torch ByteStorage': 'U8',
  'torch BoolStorage': 'BOOL',
};

/** Dimensions of a tensor; PyTorch and NumPy have as many. */
const MAX_RANK = 64;

/** Types that torch checkpoints mention without needing them. */
const TORCH_DTYPES = ['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'];

/** May be named, but nothing can be made of it. */
const NAME_ONLY: GlobalRule = {};

/** An object whose contents do not matter here; calling its type is refused. */
function inert(type: string): GlobalRule {
  return { newObject: () => ({ kind: 'record', type, state: null }) };
}

/**
 * All that a file of weights may refer to. Tensors and arrays become views of bytes; the arguments of a training script
 * (`argparse.Namespace`) an inert record.
 */
export const WEIGHT_GLOBALS: ReadonlyMap<string, GlobalRule> = new Map<string, GlobalRule>([
  ['collections OrderedDict', { reduce: (args) => emptyDictionary(args) }],
  ['argparse Namespace', inert('argparse.Namespace')],
  ['builtins set', { reduce: (args) => args[0] ?? [] }],
  ['__builtin__ set', { reduce: (args) => args[0] ?? [] }],
  // How protocol 2 writes bytes: as text with one character each.
  ['_codecs encode', { reduce: latin1Bytes }],
  ['__builtin__ bytes', { reduce: emptyBytes }],

  ...Object.keys(STORAGE_TYPES).map((name): [string, GlobalRule] => [name, NAME_ONLY]),
  ...TORCH_DTYPES.map((name): [string, GlobalRule] => [`torch ${name}`, NAME_ONLY]),
  ['torch Size', { reduce: (args) => ({ kind: 'tuple', items: countsOf(args[0]) ?? [] }) }],
  ['torch device', { reduce: () => ({ kind: 'record', type: 'torch.device', state: null }) }],
  ['torch._utils _rebuild_tensor', { reduce: rebuildTensor }],
  ['torch._utils _rebuild_tensor_v2', { reduce: rebuildTensor }],
  ['torch._utils _rebuild_parameter', { reduce: ([data]) => rebuiltParameter(data) }],
  ['torch._utils _rebuild_parameter_with_state', { reduce: ([data]) => rebuiltParameter(data) }],

  ['numpy ndarray', NAME_ONLY],
  ['numpy dtype', { reduce: numpyType }],
  // NumPy 2 moved its internals from `core` to `_core`.
  ...['numpy.core', 'numpy._core'].flatMap((module): Array<[string, GlobalRule]> => [
    [`${module}.multiarray _reconstruct`, { reduce: emptyArray }],
    [`${module}.multiarray scalar`, { reduce: ([type, content]) => arrayOf(content, type, [], false) }],
    [`${module}.numeric _frombuffer`, { reduce: arrayFromBuffer }],
  ]),
]);

/** Torch's persistent id: ('storage', type, key, location, number of elements), and before torch 1.6 a view, or None. */
export function torchStorage(id: PickleValue): PickleStorage {
  const [tag, type, key, , length, view = null] = isKind(id, 'tuple') ? id.items : [];
  const dtype = isKind(type, 'global') ? STORAGE_TYPES[type.name] : undefined;
  if (
    tag !== 'storage' ||
    typeof key !== 'string' ||
    key.length > MAX_NAME ||
    dtype === undefined ||
    !isCount(length) ||
    view !== null
  ) {
    throw new PickleError('a tensor refers to a storage in an unknown way');
  }
  return { kind: 'storage', key, dtype, length };
}

function emptyDictionary(args: readonly PickleValue[]): PickleValue {
  if (args.length > 0) throw new PickleError('an OrderedDict is made with arguments');
  return new Map();
}

function rebuildTensor([storage, offset, size, strides]: readonly PickleValue[]): PickleTensor {
  const shape = countsOf(size);
  const stride = countsOf(strides);
  const isView = shape !== undefined && shape.length <= MAX_RANK && stride?.length === shape.length;
  if (!isKind(storage, 'storage') || !isCount(offset) || !isView) {
    throw new PickleError('a tensor is described in an unknown way');
  }
  return { kind: 'tensor', storage, offset, shape, stride };
}

function rebuiltParameter(data: PickleValue | undefined): PickleTensor {
  if (!isKind(data, 'tensor')) throw new PickleError('a parameter holds no tensor');
  return data;
}

function latin1Bytes([text, encoding]: readonly PickleValue[]): string {
  if (typeof text !== 'string' || encoding !== 'latin1') throw new PickleError('bytes in an unknown encoding');
  return text;
}

/** Protocol 2 writes empty bytes as a call without arguments. */
function emptyBytes(args: readonly PickleValue[]): string {
  if (args.length > 0) throw new PickleError('bytes are made of arguments');
  return '';
}

function numpyType([name]: readonly PickleValue[]): PickleNumpyType {
  if (typeof name !== 'string' || name.length > MAX_NAME) throw new PickleError('a NumPy type without a name');
  return { kind: 'numpy-type', name, byteOrder: '=' };
}

/** `_reconstruct(ndarray, (0,), b'b')`: an array whose state follows. */
function emptyArray(): PickleValue {
  return { kind: 'array', shape: [0], type: undefined, fortranOrder: false, content: undefined };
}

/** `_frombuffer(contents, type, shape, order)`: how protocol 5 writes an array. */
function arrayFromBuffer([content, type, shape, order]: readonly PickleValue[]): PickleValue {
  return arrayOf(content, type, countsOf(shape), order === 'F');
}

function arrayOf(
  content: PickleValue | undefined,
  type: PickleValue | undefined,
  shape: number[] | undefined,
  fortranOrder: boolean,
): PickleValue {
  const isBytes = content instanceof Uint8Array || typeof content === 'string';
  if (!isBytes || !isKind(type, 'numpy-type') || shape === undefined) {
    throw new PickleError(`a NumPy array is made of ${describe(content ?? null)} in an unknown way`);
  }
  return { kind: 'array', shape, type, fortranOrder, content };
}
