import { type Shape, sizeOf } from '../../contracts/tensor.js';
import { MaeError, messageOf } from '../../base/errors.js';
import { invalidCheckpoint, MAX_NAME, MAX_TENSORS, shortName } from './checkpoint-file.js';
import { findDuplicateKey, measureJson } from './json-keys.js';
import { ELEMENT_BYTES, isStoredDType, type StoredDType, type StoredTensors } from './stored-tensor.js';

/**
 * The longest header that is read. The reference implementation allows 100 MB, which take gigabytes to parse; that of a model
 * with ten thousand tensors and a run's whole settings and class names has two or three.
 */
export const MAX_HEADER_BYTES = 2 ** 25;

const METADATA_KEY = '__metadata__';

export interface SafetensorsEntry {
  readonly dtype: StoredDType;
  readonly shape: Shape;
  /** Bytes `[begin, end)`, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The tensors that a safetensors header describes, after every check of the format: types, shapes, and offsets that
 * cover the data exactly, without holes or overlaps.
 *
 * @param header the JSON text's bytes, without the 8 bytes of its length
 * @param dataBytes number of bytes that follow the header
 * @param path for messages
 * @throws MaeError `CHECKPOINT_INVALID`, naming the tensor
 */
export function parseSafetensorsHeader(header: Uint8Array, dataBytes: number, path: string): SafetensorsHeader {
  const json = parseJsonObject(header, path);
  const entries = new Map<string, SafetensorsEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === METADATA_KEY) metadata = parseMetadata(value, path);
    else entries.set(name, parseEntry(name, value, path));
  }
  checkLayout(entries, dataBytes, path);
  return { entries, metadata };
}

/**
 * The first bytes of a safetensors file (length and JSON, padded to a multiple of 8), and the order in which the
 * tensors' data follows: larger elements first, so that every tensor is aligned.
 */
export function encodeSafetensorsHeader(
  tensors: StoredTensors,
  metadata: Readonly<Record<string, string>>,
): { header: Uint8Array; order: string[] } {
  const order = [...tensors.entries()]
    .sort(([, a], [, b]) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype])
    .map(([name]) => name);
  const begins = new Map<string, number>();
  let position = 0;
  for (const name of order) {
    begins.set(name, position);
    position += byteLength(tensors.get(name)!);
  }
  // Entries in a list, not keys of an object: a tensor named "__proto__" or "1" would be lost or reordered.
  const members = [`${JSON.stringify(METADATA_KEY)}:${JSON.stringify(metadata)}`];
  for (const [name, tensor] of tensors) {
    if (name === METADATA_KEY) throw new TypeError(`a tensor may not be named ${METADATA_KEY}`);
    const { dtype, shape, data } = tensor;
    if (data.length !== sizeOf(shape)) {
      throw new TypeError(`tensor ${name} has ${data.length} values, but its shape is [${shape.join(', ')}]`);
    }
    const begin = begins.get(name)!;
    const entry = { dtype, shape, data_offsets: [begin, begin + byteLength(tensor)] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const paddedLength = Math.ceil(json.length / 8) * 8;
  if (paddedLength > MAX_HEADER_BYTES || tensors.size >= MAX_TENSORS) {
    throw new MaeError('WRITE_FAILED', {
      what: `a safetensors file of ${tensors.size} tensors with a header of ${paddedLength} bytes would not be read again (at most ${MAX_TENSORS} and ${MAX_HEADER_BYTES})`,
      fix: 'shorten the names of classes, or use a smaller model',
    });
  }
  const header = new Uint8Array(8 + paddedLength).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(paddedLength), true);
  header.set(json, 8);
  return { header, order };
}

function byteLength({ dtype, shape }: { dtype: StoredDType; shape: Shape }): number {
  return sizeOf(shape) * ELEMENT_BYTES[dtype];
}

/** Open brackets where they are deepest: the header's object, a tensor's, its shape. */
const DEPTH = 3;
const MAX_RANK = 64;

function parseJsonObject(header: Uint8Array, path: string): object {
  // Before it is parsed: a tensor takes twenty times as much memory as its text.
  const { depth, numKeys, numItems } = measureJson(header, DEPTH);
  if (depth > DEPTH) throw invalidCheckpoint(path, 'the safetensors header is nested deeper than any header is');
  if (numKeys > MAX_TENSORS) {
    throw invalidCheckpoint(path, `the safetensors header describes ${numKeys} tensors (at most ${MAX_TENSORS})`);
  }
  if (numItems > MAX_TENSORS * MAX_RANK) throw invalidCheckpoint(path, 'the safetensors header has too long shapes');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch (error) {
    throw invalidCheckpoint(path, 'the safetensors header is not UTF-8', error);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalidCheckpoint(path, `the safetensors header is not JSON (${messageOf(error)})`, error);
  }
  if (!isObject(json)) throw invalidCheckpoint(path, 'the safetensors header is not a JSON object');
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) {
    throw invalidCheckpoint(path, `\`${shortName(duplicate)}\` occurs twice in the safetensors header`);
  }
  return json;
}

function parseMetadata(value: unknown, path: string): Record<string, string> {
  if (!isObject(value) || !Object.values(value).every((item) => typeof item === 'string')) {
    throw invalidCheckpoint(path, `\`${METADATA_KEY}\` must be an object of strings`);
  }
  return Object.fromEntries(Object.entries(value) as Array<[string, string]>);
}

function parseEntry(name: string, value: unknown, path: string): SafetensorsEntry {
  const refuse = (what: string): never => {
    throw invalidCheckpoint(path, `tensor \`${shortName(name)}\` ${what}`);
  };
  if (name.length > MAX_NAME) return refuse('has a name longer than any is');
  if (!isObject(value)) return refuse('is not described by a JSON object');
  const { dtype, shape, data_offsets: offsets } = value as Partial<Record<string, unknown>>;
  if (typeof dtype !== 'string') return refuse('has no `dtype`');
  if (!isStoredDType(dtype)) {
    return refuse(`has dtype ${shortName(dtype)}; supported are ${Object.keys(ELEMENT_BYTES).join(', ')}`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) return refuse('has no valid `shape`');
  if (shape.length > MAX_RANK) return refuse(`has ${shape.length} dimensions`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return refuse('has no valid `data_offsets`');
  }
  const [begin, end] = offsets as [number, number];
  const bytes = byteLength({ dtype, shape });
  if (!Number.isSafeInteger(bytes)) return refuse(`has shape [${shape.join(', ')}], too large to address`);
  if (end < begin) return refuse(`ends (=${end}) before it begins (=${begin})`);
  if (end - begin !== bytes) {
    return refuse(`has ${end - begin} bytes, but ${dtype} [${shape.join(', ')}] needs ${bytes}`);
  }
  return { dtype, shape, begin, end };
}

function checkLayout(entries: ReadonlyMap<string, SafetensorsEntry>, dataBytes: number, path: string): void {
  const ordered = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [name, { begin, end }] of ordered) {
    if (begin !== position) {
      const fault = begin > position ? 'leaves a hole' : 'overlaps another tensor';
      throw invalidCheckpoint(path, `tensor \`${name}\` ${fault}: it begins at ${begin}, not at ${position}`);
    }
    if (end > dataBytes) {
      throw invalidCheckpoint(
        path,
        `tensor \`${name}\` ends at byte ${end}, but the file has ${dataBytes} bytes of data`,
      );
    }
    position = end;
  }
  if (position !== dataBytes) {
    throw invalidCheckpoint(path, `${dataBytes - position} bytes follow the last tensor, which ends at ${position}`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
