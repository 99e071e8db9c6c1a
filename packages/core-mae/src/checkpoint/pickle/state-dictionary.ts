import { invalidCheckpoint } from '../files/checkpoint-file.js';
import { describe, isKind, type PickleArray, type PickleDict, type PickleTensor, type PickleValue } from './values.js';

export type PickledWeight = PickleTensor | PickleArray;

export interface StateDictionary {
  readonly weights: ReadonlyMap<string, PickledWeight>;
  /** Entries beside the weights: counters, an optimizer's state, arguments. */
  readonly ignored: readonly string[];
}

/** Keys under which training scripts keep the model, in the order in which they are tried. */
const MODEL_KEYS = ['model', 'state_dict', 'model_state_dict', 'module', 'model_state'];

/**
 * The weights of a checkpoint: the dictionary under `model`, `state_dict`, …, or else the whole.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, naming the keys that there are
 */
export function findStateDictionary(value: PickleValue, path: string): StateDictionary {
  if (!(value instanceof Map)) {
    throw invalidCheckpoint(path, `the checkpoint holds ${describe(value)}, not a dictionary of weights`);
  }
  // First, for training scripts keep single tensors beside the model: states of generators, best results.
  for (const key of MODEL_KEYS) {
    const inner = value.get(key);
    if (!(inner instanceof Map)) continue;
    const found = weightsOf(inner);
    const beside = [...value.keys()].filter((other) => other !== key).map(nameOfKey);
    if (found.weights.size > 0) return { weights: found.weights, ignored: [...beside, ...found.ignored] };
  }
  const direct = weightsOf(value);
  if (direct.weights.size > 0) return direct;
  const keys = [...value].slice(0, 8).map(([key, item]) => `${nameOfKey(key)} (${describe(item)})`);
  const listed = keys.length === 0 ? 'nothing' : keys.join(', ');
  throw invalidCheckpoint(
    path,
    `the checkpoint holds no weights at its top or under ${MODEL_KEYS.join(', ')}; it has ${listed}`,
  );
}

function weightsOf(dictionary: PickleDict): StateDictionary {
  const weights = new Map<string, PickledWeight>();
  const ignored: string[] = [];
  for (const [key, value] of dictionary) {
    if (typeof key === 'string' && (isKind(value, 'tensor') || isKind(value, 'array'))) weights.set(key, value);
    else ignored.push(nameOfKey(key));
  }
  return { weights, ignored };
}

function nameOfKey(key: PickleValue): string {
  return typeof key === 'string' || typeof key === 'number' ? String(key) : describe(key);
}
