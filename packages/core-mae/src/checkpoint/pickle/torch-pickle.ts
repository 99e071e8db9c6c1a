/*
 * checkpoint/pickle/: PyTorch's `.pth` and detectron2's `.pkl` as data: a machine for the opcodes of tensors and plain
 * containers, which runs no code and calls nothing that a file names.
 * Not here: any other use of pickles: what is not on the list of allowed globals is refused by name.
 * Called by: `checkpoint/`, for files that are not safetensors.
 */

import { MaeError, messageOf } from '../../base/errors.js';
import {
  type CheckpointFile,
  invalidCheckpoint,
  MAX_TENSORS,
  requireMemory,
  withCheckpointFile,
} from '../files/checkpoint-file.js';
import { torchStorage, WEIGHT_GLOBALS } from './allowed-globals.js';
import { unpickle } from './machine.js';
import { PickleError, type PickleRules } from './stack.js';
import type { PickleStorage, PickleValue } from './values.js';
import { type ReadStorage, readPickledTensors } from './pickled-tensors.js';
import { type DictionaryChoice, findStateDictionary } from './state-dictionary.js';
import { ELEMENT_BYTES, type StoredTensors } from '../files/stored-tensor.js';
import { openTorchArchive, type TorchArchive } from './torch-zip.js';

export interface PickledCheckpoint {
  /** The weights, in the file's order. */
  readonly tensors: StoredTensors;
  /** The keys of the dictionaries in which they lie: "teacher."; '' where they are not in any. */
  readonly at: string;
  /** What else the file holds and this library does not read: `optimizer`, `args`, `epoch`. */
  readonly ignored: readonly string[];
}

const TORCH_RULES: PickleRules = { globals: WEIGHT_GLOBALS, persistentValue: torchStorage };
const PLAIN_RULES: PickleRules = { globals: WEIGHT_GLOBALS };

/** The pickle of a torch file describes tensors and does not hold them. */
const MAX_DESCRIPTION_BYTES = 64 * 2 ** 20;

/** How files of torch before 1.6 begin: a pickle (protocol 2) of the number 0x1950a86a20f9469cfc6c. */
const LEGACY_MAGIC = Uint8Array.of(
  0x80,
  0x02,
  0x8a,
  0x0a,
  0x6c,
  0xfc,
  0x9c,
  0x46,
  0xf9,
  0x20,
  0x6a,
  0xa8,
  0x50,
  0x19,
  0x2e,
);

/**
 * The weights of a torch checkpoint (`.pth`, `.pt`, `.bin`), in today's zip format or the one before torch 1.6. It is
 * read as data by an allow-list of globals; nothing in it is ever called.
 *
 * @param choice which of its dictionaries is read, where several hold weights
 * @throws MaeError `CHECKPOINT_INVALID`, naming the global, record or tensor
 */
export async function readTorch(path: string, choice: DictionaryChoice = {}): Promise<PickledCheckpoint> {
  return withCheckpointFile(path, async (file) => {
    const beginning = await file.read(0, Math.min(file.size, LEGACY_MAGIC.length));
    if (isLegacyTorch(beginning)) return await readLegacy(file, choice);
    const archive = await openTorchArchive(file);
    try {
      return await readArchive(file, archive, choice);
    } finally {
      archive.close();
    }
  });
}

/**
 * The weights of a plain pickle with NumPy arrays, as detectron2's model zoo has them (`.pkl`, protocols 2 to 5).
 *
 * @throws MaeError `CHECKPOINT_INVALID`, naming the global or tensor
 */
export async function readPickle(path: string, choice: DictionaryChoice = {}): Promise<PickledCheckpoint> {
  return withCheckpointFile(path, async (file) => {
    requireMemory(2 * file.size, path);
    const { value } = unpickleFrom(await file.read(0, file.size), PLAIN_RULES, path);
    const noStorage = (): never => {
      throw invalidCheckpoint(path, 'a plain pickle refers to a torch storage');
    };
    return readWeights(value, noStorage, { file, choice });
  });
}

/** Whether a file that begins so is a torch checkpoint of the format before torch 1.6. */
export function isLegacyTorch(beginning: Uint8Array): boolean {
  return LEGACY_MAGIC.every((byte, index) => beginning[index] === byte);
}

async function readArchive(
  file: CheckpointFile,
  archive: TorchArchive,
  choice: DictionaryChoice,
): Promise<PickledCheckpoint> {
  const { path } = file;
  if (archive.names.includes('constants.pkl')) {
    throw invalidCheckpoint(path, 'this is a TorchScript program, not a checkpoint: save its state_dict() instead');
  }
  if (archive.names.includes('byteorder')) {
    const order = new TextDecoder().decode(await archive.read('byteorder', 16));
    if (order !== 'little') throw invalidCheckpoint(path, `its byte order is ${order}; only little is supported`);
  }
  const { value } = unpickleFrom(await archive.read('data.pkl', MAX_DESCRIPTION_BYTES), TORCH_RULES, path);
  const readStorage: ReadStorage = async (storage) => {
    const bytes = await archive.read(`data/${storage.key}`);
    const expected = storageBytes(storage);
    if (bytes.length !== expected) {
      throw invalidCheckpoint(
        path,
        `the record \`data/${storage.key}\` has ${bytes.length} bytes instead of ${expected}`,
      );
    }
    return bytes;
  };
  return readWeights(value, readStorage, { file, choice });
}

/**
 * Five pickles (magic, protocol, system, checkpoint, keys of storages), then for each key the number of elements (64
 * bits) and the elements.
 */
async function readLegacy(file: CheckpointFile, choice: DictionaryChoice): Promise<PickledCheckpoint> {
  const { path } = file;
  const head = await file.read(0, Math.min(file.size, MAX_DESCRIPTION_BYTES));
  const storages = new Map<string, PickleStorage>();
  const rules: PickleRules = {
    globals: WEIGHT_GLOBALS,
    persistentValue: (id) => {
      const storage = torchStorage(id);
      storages.set(storage.key, storage);
      return storage;
    },
  };
  let end = LEGACY_MAGIC.length;
  const next = (): PickleValue => {
    const result = unpickleFrom(head, rules, path, end);
    end = result.end;
    return result.value;
  };
  next();
  const system = next();
  if (system instanceof Map && system.get('little_endian') !== true) {
    throw invalidCheckpoint(path, 'it was written on a big-endian machine, which is not supported');
  }
  const value = next();
  const keys = next();
  if (!Array.isArray(keys) || keys.length > MAX_TENSORS)
    throw invalidCheckpoint(path, 'its list of storages is damaged');

  const positions = new Map<string, number>();
  let position = end;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined) throw invalidCheckpoint(path, 'its list of storages is damaged');
    const count = Number(new DataView((await file.read(position, 8)).buffer).getBigInt64(0, true));
    if (count !== storage.length)
      throw invalidCheckpoint(path, `storage ${storage.key} has ${count} elements instead of ${storage.length}`);
    positions.set(storage.key, position + 8);
    position += 8 + storageBytes(storage);
  }
  if (position > file.size)
    throw invalidCheckpoint(path, `the file ends at byte ${file.size}, but ${position} are needed`);
  const readStorage: ReadStorage = async (storage) => {
    const start = positions.get(storage.key);
    if (start === undefined) throw invalidCheckpoint(path, `storage ${storage.key} is missing`);
    return file.read(start, storageBytes(storage));
  };
  return readWeights(value, readStorage, { file, choice });
}

async function readWeights(
  value: PickleValue,
  readStorage: ReadStorage,
  { file, choice }: { readonly file: CheckpointFile; readonly choice: DictionaryChoice },
): Promise<PickledCheckpoint> {
  const { weights, at, ignored } = findStateDictionary(value, file.path, choice);
  return { tensors: await readPickledTensors(weights, readStorage, file.size, file.path), at, ignored };
}

function unpickleFrom(
  bytes: Uint8Array,
  rules: PickleRules,
  path: string,
  start = 0,
): { value: PickleValue; end: number } {
  try {
    return unpickle(bytes, rules, start);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new MaeError('CHECKPOINT_INVALID', {
      what: `the checkpoint is refused: ${messageOf(error)}`,
      where: path,
      fix: 'save the weights alone, as safetensors or as a state_dict()',
      cause: error,
    });
  }
}

function storageBytes({ length, dtype }: PickleStorage): number {
  return length * ELEMENT_BYTES[dtype];
}
