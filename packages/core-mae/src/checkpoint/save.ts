import type { ParameterTree } from '../contracts/tensor.js';
import { type FileSystem, writeFileAtomically } from '../base/atomic-write.js';
import { safetensorsChunks } from './files/safetensors.js';
import { type StoredTensor, storedParameter, type StoredTensors } from './files/stored-tensor.js';

/** Value of the metadata key `producer` in files that this library wrote: their names need no translation. */
export const PRODUCER = 'mae-tasks';

/** Names of tensors that belong to the training state and not to the model begin so. */
export const OPTIMIZER_PREFIX = 'optimizer.';

export interface SaveCheckpointOptions {
  /** Kept as strings in the file's header: configuration, counters and random state as JSON. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Tensors of the training state, in the same file as the parameters so that a crash can never leave two steps mixed.
   * Names begin with `optimizer.`; see `optimizerTensors`.
   */
  readonly extra?: StoredTensors;
  readonly fileSystem?: FileSystem;
}

/**
 * Writes parameters under their own names, and what else a run needs to be resumed, into one safetensors file, atomically.
 * Other tools read the parameters as usual. The arrays must not change until the promise resolves.
 *
 * @throws MaeError `WRITE_FAILED`; the previous file is then intact
 */
export async function saveCheckpoint(
  path: string,
  parameters: ParameterTree,
  { metadata = {}, extra = new Map<string, StoredTensor>(), fileSystem }: SaveCheckpointOptions = {},
): Promise<void> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, parameter] of parameters) {
    if (name.startsWith(OPTIMIZER_PREFIX)) throw new TypeError(`a parameter may not be named ${name}`);
    tensors.set(name, storedParameter(parameter));
  }
  for (const [name, tensor] of extra) {
    if (!name.startsWith(OPTIMIZER_PREFIX)) {
      throw new TypeError(`tensor ${name} of the training state must be named ${OPTIMIZER_PREFIX}…`);
    }
    tensors.set(name, tensor);
  }
  // `format: pt` is what Hugging Face's loaders look for.
  const chunks = safetensorsChunks(tensors, { format: 'pt', producer: PRODUCER, ...metadata });
  await writeFileAtomically(path, chunks, fileSystem);
}

/** Optimizer state as tensors to save: `optimizer.<slot>.<parameter>`; slots (`exp_avg`, `ema`) hold no dot. */
export function optimizerTensors(slots: Readonly<Record<string, ParameterTree>>): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const [slot, tree] of Object.entries(slots)) {
    if (slot === '' || slot.includes('.')) throw new TypeError(`an optimizer slot may not be named "${slot}"`);
    for (const [name, parameter] of tree) tensors.set(`${OPTIMIZER_PREFIX}${slot}.${name}`, storedParameter(parameter));
  }
  return tensors;
}

/** The inverse of `optimizerTensors`: for each slot, tensors by parameter name. */
export function optimizerSlots(extra: StoredTensors): Map<string, Map<string, StoredTensor>> {
  const slots = new Map<string, Map<string, StoredTensor>>();
  for (const [name, tensor] of extra) {
    const rest = name.slice(OPTIMIZER_PREFIX.length);
    const dot = rest.indexOf('.');
    const slot = rest.slice(0, dot);
    const tensorsOfSlot = slots.get(slot) ?? new Map<string, StoredTensor>();
    slots.set(slot, tensorsOfSlot.set(rest.slice(dot + 1), tensor));
  }
  return slots;
}
