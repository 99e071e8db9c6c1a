import { type CheckpointFile, invalidCheckpoint, requireMemory, withCheckpointFile } from './checkpoint-file.js';
import {
  encodeSafetensorsHeader,
  MAX_HEADER_BYTES,
  parseSafetensorsHeader,
  type SafetensorsHeader,
} from './safetensors-header.js';
import { type StoredTensor, type StoredTensors, viewAs } from './stored-tensor.js';

export interface SafetensorsFile {
  /** In the header's order. */
  readonly tensors: StoredTensors;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Names, types and shapes of a safetensors file, without its data.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, naming the file and the tensor
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withCheckpointFile(path, async (file) => (await readHeader(file)).header);
}

/**
 * The tensors of a safetensors file, of any size; each has an array of its own.
 *
 * @param wanted which tensors to read, by name; the others' data is never touched. Default: all
 * @throws MaeError `CHECKPOINT_INVALID`, naming the file and the tensor
 */
export async function readSafetensors(
  path: string,
  wanted: (name: string) => boolean = () => true,
): Promise<SafetensorsFile> {
  return withCheckpointFile(path, async (file) => {
    const { header, dataStart } = await readHeader(file);
    const tensors = new Map<string, StoredTensor>();
    const read = [...header.entries].filter(([name]) => wanted(name));
    requireMemory(
      read.reduce((sum, [, { begin, end }]) => sum + end - begin, 0),
      path,
    );
    for (const [name, { dtype, shape, begin, end }] of read) {
      const bytes = await file.read(dataStart + begin, end - begin);
      tensors.set(name, { dtype, shape, data: viewAs(dtype, bytes.buffer) });
    }
    return { tensors, metadata: header.metadata };
  });
}

/**
 * A safetensors file's bytes, in pieces: the header, then each tensor's own memory, without a copy. The tensors must
 * not change while the pieces are in use.
 */
export function* safetensorsChunks(
  tensors: StoredTensors,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  const { header, order } = encodeSafetensorsHeader(tensors, metadata);
  yield header;
  for (const name of order) {
    const { data } = tensors.get(name)!;
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

async function readHeader(file: CheckpointFile): Promise<{ header: SafetensorsHeader; dataStart: number }> {
  if (file.size < 8) throw invalidCheckpoint(file.path, `${file.size} bytes are too few for a safetensors file`);
  const lengthBytes = await file.read(0, 8);
  const length = Number(new DataView(lengthBytes.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    throw invalidCheckpoint(
      file.path,
      `not a safetensors file: its header would have ${length} bytes (at most ${MAX_HEADER_BYTES})`,
    );
  }
  const dataStart = 8 + length;
  if (dataStart > file.size) {
    throw invalidCheckpoint(
      file.path,
      `the safetensors header ends at byte ${dataStart}, past the file's ${file.size}`,
    );
  }
  const bytes = await file.read(8, length);
  return { header: parseSafetensorsHeader(bytes, file.size - dataStart, file.path), dataStart };
}
