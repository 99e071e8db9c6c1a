import { sizeOf, type Shape } from '../../contracts/tensor.js';
import { invalidCheckpoint, requireMemory } from '../files/checkpoint-file.js';
import type { PickleArray, PickleStorage, PickleTensor } from './values.js';
import type { PickledWeight } from './state-dictionary.js';
import { ELEMENT_BYTES, type StoredData, type StoredDType, type StoredTensor, viewAs } from '../files/stored-tensor.js';

/** A storage's bytes. */
export type ReadStorage = (storage: PickleStorage) => Promise<Uint8Array<ArrayBuffer>>;

/** NumPy's element types, by kind and size. */
const NUMPY_TYPES: Readonly<Record<string, StoredDType>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u8: 'U64',
  u4: 'U32',
  u2: 'U16',
  u1: 'U8',
  b1: 'BOOL',
};

/** Views may repeat bytes (tied and expanded weights), but a small file must not unfold into all memory. */
const MAX_UNFOLDING = 8;
const FREE_BYTES = 64 * 2 ** 20;

/**
 * The weights with their values, row-major; a storage is read once and dropped after its last use.
 *
 * @param fileBytes the file's size, which bounds how much the tensors may hold together
 * @throws MaeError `CHECKPOINT_INVALID`, naming the tensor
 */
export async function readPickledTensors(
  weights: ReadonlyMap<string, PickledWeight>,
  readStorage: ReadStorage,
  fileBytes: number,
  path: string,
): Promise<Map<string, StoredTensor>> {
  let allowance = MAX_UNFOLDING * fileBytes + FREE_BYTES;
  const total = [...weights.values()].reduce((sum, weight) => sum + sizeOf(weight.shape) * bytesOfElement(weight), 0);
  // What is more than the file can hold is refused below, by its tensor.
  if (total <= allowance) requireMemory(total, path);
  const uses = countUses(weights);
  const open = new Map<string, StoredData>();
  const tensors = new Map<string, StoredTensor>();
  for (const [name, weight] of weights) {
    const refuse = (what: string): never => {
      throw invalidCheckpoint(path, `tensor \`${name}\` ${what}`);
    };
    allowance -= sizeOf(weight.shape) * bytesOfElement(weight);
    if (!(allowance >= 0)) refuse(`unfolds to shape [${weight.shape.join(', ')}], more than the file can hold`);
    if (weight.kind === 'array') {
      tensors.set(name, arrayTensor(weight, refuse));
      continue;
    }
    const { storage, shape } = weight;
    const identity = storageIdentity(storage);
    const data = open.get(identity) ?? viewAs(storage.dtype, (await readStorage(storage)).buffer);
    const left = uses.get(identity)! - 1;
    uses.set(identity, left);
    if (left > 0) open.set(identity, data);
    else open.delete(identity);
    tensors.set(name, { dtype: storage.dtype, shape, data: rowMajor(storage.dtype, data, weight, refuse) });
  }
  return tensors;
}

function countUses(weights: ReadonlyMap<string, PickledWeight>): Map<string, number> {
  const uses = new Map<string, number>();
  for (const weight of weights.values()) {
    if (weight.kind !== 'tensor') continue;
    const identity = storageIdentity(weight.storage);
    uses.set(identity, (uses.get(identity) ?? 0) + 1);
  }
  return uses;
}

function storageIdentity({ dtype, key, length }: PickleStorage): string {
  return `${dtype} ${length} ${key}`;
}

function bytesOfElement(weight: PickledWeight): number {
  return weight.kind === 'tensor' ? ELEMENT_BYTES[weight.storage.dtype] : 8;
}

type View = Pick<PickleTensor, 'offset' | 'shape' | 'stride'>;
type Refuse = (what: string) => never;

/** The view's elements in row-major order; the storage's own array where it is just that. */
function rowMajor(dtype: StoredDType, data: StoredData, { offset, shape, stride }: View, refuse: Refuse): StoredData {
  const size = sizeOf(shape);
  if (size === 0) return data.slice(0, 0);
  const last = shape.reduce((index, dimension, axis) => index + (dimension - 1) * stride[axis]!, offset);
  if (last >= data.length) return refuse(`reaches element ${last} of a storage that has ${data.length}`);
  const expected = rowMajorStride(shape);
  if (stride.every((step, axis) => step === expected[axis] || shape[axis] === 1)) {
    return offset === 0 && size === data.length ? data : data.slice(offset, offset + size);
  }
  const result = viewAs(dtype, new ArrayBuffer(size * ELEMENT_BYTES[dtype]));
  const position = shape.map(() => 0);
  let source = offset;
  for (let i = 0; i < size; i++) {
    result[i] = data[source]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += stride[axis]!;
      if (++position[axis]! < shape[axis]!) break;
      source -= stride[axis]! * shape[axis]!;
      position[axis] = 0;
    }
  }
  return result;
}

function rowMajorStride(shape: Shape): number[] {
  const stride = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    stride[axis] = step;
    step *= shape[axis]!;
  }
  return stride;
}

function arrayTensor({ type, shape, fortranOrder, content }: PickleArray, refuse: Refuse): StoredTensor {
  const dtype = NUMPY_TYPES[type?.name ?? ''];
  if (type === undefined || dtype === undefined || content === undefined) {
    return refuse(`is a NumPy array of unsupported type ${type?.name ?? 'object'}`);
  }
  if (type.byteOrder === '>') return refuse('is big-endian, which is not supported');
  const length = sizeOf(shape);
  if (content.length !== length * ELEMENT_BYTES[dtype]) {
    return refuse(
      `has ${content.length} bytes, but ${dtype} [${shape.join(', ')}] needs ${length * ELEMENT_BYTES[dtype]}`,
    );
  }
  const bytes = typeof content === 'string' ? latin1Bytes(content) : content.slice();
  const data = viewAs(dtype, bytes.buffer as ArrayBuffer);
  // Column-major order is row-major order of the reversed shape.
  const stride = fortranOrder ? rowMajorStride(shape.toReversed()).toReversed() : rowMajorStride(shape);
  return { dtype, shape, data: rowMajor(dtype, data, { offset: 0, shape, stride }, refuse) };
}

function latin1Bytes(text: string): Uint8Array {
  // Not Buffer.from: its small buffers share one pool, so their memory is not theirs alone.
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
