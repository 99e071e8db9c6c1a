import { invalidCheckpoint, withCheckpointFile } from './files/checkpoint-file.js';
import { detectKeyMap } from './keymaps/detect.js';
import { locateWeights } from './locate.js';
import { readSafetensors } from './files/safetensors.js';
import { OPTIMIZER_PREFIX, PRODUCER } from './save.js';
import type { StoredTensor, StoredTensors } from './files/stored-tensor.js';
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
}

/**
 * A checkpoint's tensors under the official names, from a file or folder of any known source: a run's folder or file,
 * safetensors, torch (`.pth`, `.pt`, `.bin`), detectron2's `.pkl`, a folder of Hugging Face. Contents decide, not
 * names.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, naming the file and what is wrong with it
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const stored = await readCheckpoint(path);
  if (stored.metadata.producer === PRODUCER) {
    const isExtra = ([name]: [string, StoredTensor]): boolean => name.startsWith(OPTIMIZER_PREFIX);
    const all = [...stored.tensors];
    const tensors = new Map(all.filter((entry) => !isExtra(entry)));
    return { ...stored, tensors, extra: new Map(all.filter(isExtra)), source: PRODUCER };
  }
  const keyMap = detectKeyMap(stored.tensors, path);
  const { tensors, ignored } = keyMap.toOfficial(stored.tensors, path);
  return { ...stored, tensors, extra: new Map(), source: keyMap.source, ignored: [...stored.ignored, ...ignored] };
}

/**
 * A checkpoint's tensors under the names that its files have.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, naming the file and what is wrong with it
 */
export async function readCheckpoint(path: string): Promise<StoredCheckpoint> {
  const files = await locateWeights(path);
  const tensors = new Map<string, StoredTensor>();
  const ignored: string[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  let format: CheckpointFormat = 'safetensors';
  for (const file of files) {
    const part = await readFileOf(file);
    for (const [name, tensor] of part.tensors) {
      if (tensors.has(name)) throw invalidCheckpoint(file, `tensor \`${name}\` is in another shard too`);
      tensors.set(name, tensor);
    }
    append(ignored, part.ignored);
    ({ metadata, format } = part);
  }
  return { tensors, metadata, format, files, ignored };
}

async function readFileOf(path: string): Promise<Omit<StoredCheckpoint, 'files'>> {
  const format = await withCheckpointFile(path, async (file) => {
    return recognizeFormat(await file.read(0, Math.min(file.size, 64)), path);
  });
  switch (format) {
    case 'safetensors':
      return { ...(await readSafetensors(path)), format, ignored: [] };
    case 'torch':
      return { ...(await readTorch(path)), format, metadata: {} };
    case 'pickle':
      return { ...(await readPickle(path)), format, metadata: {} };
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
