import { type Shape, sameShape, sizeOf } from '../../contracts/tensor.js';
import { MaeError } from '../../base/errors.js';
import { ELEMENT_BYTES, type StoredTensor, type StoredTensors, viewAs } from '../files/stored-tensor.js';

const PART = /^(.*\.attn)\.([qkv])\.(weight|bias)$/;

/**
 * The tensors with `….attn.q`, `.k` and `.v` (weights `[D, D]`, biases `[D]`) stacked into `….attn.qkv` (`[3·D, D]`,
 * `[3·D]`), the order of the official attention.
 *
 * @throws MaeError `CHECKPOINT_INVALID` if one of the three is missing or of another shape
 */
export function joinQueryKeyValue(tensors: StoredTensors, path: string): Map<string, StoredTensor> {
  const result = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const match = PART.exec(name);
    if (match === null) {
      result.set(name, tensor);
      continue;
    }
    const [, attention, , kind] = match;
    const joined = `${attention}.qkv.${kind}`;
    if (result.has(joined)) continue;
    const parts = ['q', 'k', 'v'].map((part) => tensors.get(`${attention}.${part}.${kind}`));
    result.set(joined, stack(parts, joined, path));
  }
  return result;
}

function stack(parts: ReadonlyArray<StoredTensor | undefined>, name: string, path: string): StoredTensor {
  const present = parts.filter((part) => part !== undefined);
  const [first] = present;
  const fits = (part: StoredTensor): boolean => part.dtype === first?.dtype && sameShape(part.shape, first.shape);
  if (first === undefined || present.length !== parts.length || !present.every(fits)) {
    throw new MaeError('CHECKPOINT_INVALID', {
      what: `\`${name}\` cannot be joined: query, key and value must all be there, of one shape and type`,
      where: path,
    });
  }
  const { dtype, shape } = first;
  const [rows = 1, ...columns] = shape;
  const joinedShape: Shape = [rows * parts.length, ...columns];
  const bytes = new Uint8Array(sizeOf(joinedShape) * ELEMENT_BYTES[dtype]);
  present.forEach(({ data }, index) => {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), index * data.byteLength);
  });
  return { dtype, shape: joinedShape, data: viewAs(dtype, bytes.buffer) };
}
