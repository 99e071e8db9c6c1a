import { invalidCheckpoint, MAX_TENSORS, withCheckpointFile } from './files/checkpoint-file.js';
import { severalEncoders } from './files/several-encoders.js';
import { findEncoders, type FoundEncoder, unknownNames, withoutPrefix } from './keymaps/detect.js';
import { locateWeights } from './locate.js';
import { readSafetensors } from './files/safetensors.js';
import { OPTIMIZER_PREFIX, PRODUCER } from './save.js';
import type { StoredTensor, StoredTensors } from './files/stored-tensor.js';
import type { DictionaryChoice } from './pickle/state-dictionary.js';
import { isLegacyTorch, readPickle, readTorch } from './pickle/torch-pickle.js';
import { append } from '../base/long-lists.js';

export type CheckpointFormat = 'safetensors' | 'torch' | 'pickle';

/** A checkpoint with the names that its files have. */
export interface StoredCheckpoint {
  readonly tensors: StoredTensors;
  /** Of safetensors files; empty for others. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly format: CheckpointFormat;
  readonly files: readonly string[];
  /** The keys of the dictionaries in which the weights of a pickle lie: "teacher."; '' where they are not in any. */
  readonly at: string;
  /** What the files hold besides weights and is not read: `optimizer`, `args`. */
  readonly ignored: readonly string[];
}

export interface Checkpoint extends StoredCheckpoint {
  /** The model's tensors, by official name. */
  readonly tensors: StoredTensors;
  /** Tensors of the training state (`optimizer.…`) in checkpoints of runs; empty for others. */
  readonly extra: StoredTensors;
  /** Whose names the files have: `mae-tasks`, `official`, `hugging-face`, `detectron2`, `mmpretrain`. */
  readonly source: string;
  /** What stood before the names of the encoder and was taken off: "model."; '' for nothing. */
  readonly prefix: string;
  /** Names of tensors without that prefix, which are left out. */
  readonly outside: readonly string[];
}

export interface LoadCheckpointOptions {
  /**
   * Which of several encoders: what its names begin with ("teacher.backbone."), keys of dictionaries included. Default:
   * the only one that there is.
   */
  readonly prefix?: string | null | undefined;
}

/**
 * A checkpoint's tensors under the official names, from a file or folder of any known source: a run's folder or file,
 * safetensors, torch (`.pth`, `.pt`, `.bin`), detectron2's `.pkl`, a folder of Hugging Face. Contents decide, not
 * names. What wrappers put before the encoder's names is taken off.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, naming the file and what is wrong with it; for several encoders, what the names of
 * each begin with
 */
export async function loadCheckpoint(path: string, { prefix }: LoadCheckpointOptions = {}): Promise<Checkpoint> {
  // Also without its last dot.
  const wanted = prefix === undefined || prefix === null ? undefined : prefix.replace(/([^.])$/, '$1.');
  const stored = await readCheckpoint(path, wanted);
  if (stored.metadata.producer === PRODUCER) {
    if (wanted !== undefined) {
      throw invalidCheckpoint(
        path,
        'its weights were written by mae-tasks and have no prefix: leave `checkpoint.prefix` away',
      );
    }
    const isExtra = ([name]: [string, StoredTensor]): boolean => name.startsWith(OPTIMIZER_PREFIX);
    const all = [...stored.tensors];
    const tensors = new Map(all.filter((entry) => !isExtra(entry)));
    return { ...stored, tensors, extra: new Map(all.filter(isExtra)), source: PRODUCER, prefix: '', outside: [] };
  }
  const encoders = findEncoders(stored.tensors.keys());
  const { keyMap, prefix: found } = chooseEncoder(encoders, stored, { path, wanted });
  const others = encoders.filter((encoder) => encoder.prefix !== found).map((encoder) => encoder.prefix);
  const { inside, outside } = withoutPrefix(stored.tensors, found, others);
  const { tensors, ignored } = keyMap.toOfficial(inside, path);
  return {
    ...stored,
    tensors,
    extra: new Map(),
    source: keyMap.source,
    prefix: found,
    outside,
    ignored: [...stored.ignored, ...ignored],
  };
}

function chooseEncoder(
  encoders: readonly FoundEncoder[],
  { tensors, at }: StoredCheckpoint,
  { path, wanted }: { readonly path: string; readonly wanted: string | undefined },
): FoundEncoder {
  const [first, ...others] = encoders;
  if (first === undefined) throw unknownNames([...tensors.keys()], path);
  if (wanted === undefined && others.length === 0) return first;
  const chosen = encoders.filter(({ prefix }) => prefix === wanted || at + prefix === wanted);
  if (chosen.length === 1) return chosen[0]!;
  throw severalEncoders(
    encoders.map(({ prefix }) => at + prefix),
    path,
    wanted,
  );
}

/**
 * A checkpoint's tensors under the names that its files have.
 *
 * @param prefix of the wanted encoder's names, where several dictionaries of a pickle hold one
 * @throws MaeError `CHECKPOINT_INVALID`, naming the file and what is wrong with it
 */
export async function readCheckpoint(path: string, prefix?: string): Promise<StoredCheckpoint> {
  const { files, index } = await locateWeights(path);
  const tensors = new Map<string, StoredTensor>();
  const ignored: string[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  let format: CheckpointFormat = 'safetensors';
  let at = '';
  for (const file of files) {
    // A shard alone may hold no encoder, and all of them one.
    const part = await readFileOf(file, files.length === 1 ? { encoderPrefixes, prefix } : {});
    for (const [name, tensor] of part.tensors) {
      if (tensors.has(name)) throw invalidCheckpoint(file, `tensor \`${name}\` is in another shard too`);
      tensors.set(name, tensor);
    }
    if (tensors.size > MAX_TENSORS) {
      throw invalidCheckpoint(path, `its shards hold more than ${MAX_TENSORS} tensors together`);
    }
    append(ignored, part.ignored);
    ({ metadata, format, at } = part);
  }
  for (const [name, file] of index ?? []) {
    if (!tensors.has(name)) throw invalidCheckpoint(file, `the index says that it holds \`${name}\`, and it does not`);
  }
  return { tensors, metadata, format, files, at, ignored };
}

function encoderPrefixes(names: readonly string[]): string[] {
  return findEncoders(names).map(({ prefix }) => prefix);
}

async function readFileOf(path: string, choice: DictionaryChoice): Promise<Omit<StoredCheckpoint, 'files'>> {
  const format = await withCheckpointFile(path, async (file) => {
    return recognizeFormat(await file.read(0, Math.min(file.size, 64)), path);
  });
  switch (format) {
    case 'safetensors':
      return { ...(await readSafetensors(path)), format, at: '', ignored: [] };
    case 'torch':
      return { ...(await readTorch(path, choice)), format, metadata: {} };
    case 'pickle':
      return { ...(await readPickle(path, choice)), format, metadata: {} };
  }
}

/** The format of a file that begins so. */
function recognizeFormat(beginning: Uint8Array, path: string): CheckpointFormat {
  const text = Buffer.from(beginning).toString('latin1');
  const hasHeader = text[8] === '{';
  // First, for the length of a header may look like the other formats' marks. It is far below 2^32.
  if (hasHeader && text.slice(4, 8) === '\0\0\0\0') return 'safetensors';
  if (text.startsWith('PK\x03\x04') || isLegacyTorch(beginning)) return 'torch';
  if (beginning[0] === 0x80 && beginning[1]! >= 2 && beginning[1]! <= 5) return 'pickle';
  // With a length that is nonsense: its reader says so.
  if (hasHeader) return 'safetensors';
  throw invalidCheckpoint(path, `the file is no checkpoint: ${explain(text)}`);
}

function explain(text: string): string {
  if (text === '') return 'it is empty';
  if (text.startsWith('version https://git-lfs')) return 'it is a pointer of Git LFS; run `git lfs pull`';
  if (/^\s*<(?:!doctype|html|\?xml)/i.test(text)) return 'it is a web page, as failed downloads leave behind';
  if (text.startsWith('\x93NUMPY')) return 'it is a single NumPy array';
  return 'it is neither safetensors nor a torch file nor a pickle';
}
