import { invalidCheckpoint, MAX_NAME, MAX_TENSORS, shortName } from '../files/checkpoint-file.js';
import { severalEncoders } from '../files/several-encoders.js';
import { describe, isKind, type PickleArray, type PickleDict, type PickleTensor, type PickleValue } from './values.js';

export type PickledWeight = PickleTensor | PickleArray;

export interface StateDictionary {
  readonly weights: ReadonlyMap<string, PickledWeight>;
  /** The keys under which it lies, each with a dot behind it: "teacher."; '' for the whole checkpoint. */
  readonly at: string;
  /** Entries beside the weights: counters, an optimizer's state, arguments. */
  readonly ignored: readonly string[];
}

/** Which of a checkpoint's dictionaries is meant, where several hold weights. */
export interface DictionaryChoice {
  /** Prefixes of the encoders among these names. Default: none are known, and the usual keys decide. */
  readonly encoderPrefixes?: (names: readonly string[]) => readonly string[];
  /** What the wanted names begin with, keys of dictionaries included: "teacher.backbone.". */
  readonly prefix?: string | undefined;
}

/** Keys under which training scripts keep the model, in the order in which they are tried. */
const MODEL_KEYS = ['model', 'state_dict', 'model_state_dict', 'module', 'model_state'];

/** Whether weights lie where training scripts usually keep the only model. */
export function isUsualPlace(at: string): boolean {
  return at === '' || MODEL_KEYS.includes(at.slice(0, -1));
}

/** Dictionaries within dictionaries that are looked into: `checkpoint['teacher']['backbone']`. */
const MAX_DEPTH = 3;
const MAX_DICTIONARIES = 1000;

/**
 * The weights of a checkpoint: the one dictionary in it that holds an encoder; without one, that under `model`,
 * `state_dict`, …, or else the whole.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, naming the keys that there are, or the encoders where there are several
 */
export function findStateDictionary(value: PickleValue, path: string, choice: DictionaryChoice = {}): StateDictionary {
  if (!(value instanceof Map)) {
    throw invalidCheckpoint(path, `the checkpoint holds ${describe(value)}, not a dictionary of weights`);
  }
  const { encoderPrefixes = () => [], prefix } = choice;
  const encoders = dictionariesIn(value, path).flatMap((dictionary) => {
    return encoderPrefixes([...dictionary.weights.keys()]).map((inner) => ({
      dictionary,
      name: dictionary.at + inner,
    }));
  });
  const wanted = encoders.filter(({ name }) => prefix === undefined || name === prefix);
  const chosen = new Set((wanted.length > 0 ? wanted : encoders).map(({ dictionary }) => dictionary));
  if (chosen.size > 1) {
    throw severalEncoders(
      encoders.map(({ name }) => name),
      path,
    );
  }
  const [only] = chosen;
  if (only !== undefined) return only;
  // First, for training scripts keep single tensors beside the model: states of generators, best results.
  for (const key of MODEL_KEYS) {
    const inner = value.get(key);
    if (!(inner instanceof Map)) continue;
    const found = weightsOf(inner, path);
    const beside = [...value.keys()].filter((other) => other !== key).map(nameOfKey);
    if (found.weights.size > 0) {
      return { weights: found.weights, at: `${key}.`, ignored: [...beside, ...found.ignored] };
    }
  }
  const direct = weightsOf(value, path);
  if (direct.weights.size > 0) return direct;
  const keys = [...value].slice(0, 8).map(([key, item]) => `${nameOfKey(key)} (${describe(item)})`);
  const listed = keys.length === 0 ? 'nothing' : keys.join(', ');
  throw invalidCheckpoint(
    path,
    `the checkpoint holds no weights at its top or under ${MODEL_KEYS.join(', ')}; it has ${listed}`,
  );
}

/** Every dictionary with weights, the outer before those within it, each once. */
function dictionariesIn(outermost: PickleDict, path: string): StateDictionary[] {
  const found: StateDictionary[] = [];
  const seen = new Set<PickleDict>();
  const visit = (dictionary: PickleDict, at: string, depth: number): void => {
    if (seen.has(dictionary) || seen.size >= MAX_DICTIONARIES) return;
    seen.add(dictionary);
    const { weights, ignored } = weightsOf(dictionary, path);
    if (weights.size > 0) found.push({ weights, ignored, at });
    if (depth === MAX_DEPTH) return;
    for (const [key, value] of dictionary) {
      if (typeof key === 'string' && value instanceof Map) visit(value, `${at}${key}.`, depth + 1);
    }
  };
  visit(outermost, '', 0);
  return found.map((dictionary) => ({
    ...dictionary,
    ignored: [...besideOf(outermost, dictionary), ...dictionary.ignored],
  }));
}

/** Keys of the outermost dictionary beside the one that leads to another. */
function besideOf(outermost: PickleDict, { at }: StateDictionary): string[] {
  if (at === '') return [];
  return [...outermost.keys()].map(nameOfKey).filter((key) => !at.startsWith(`${key}.`));
}

function weightsOf(dictionary: PickleDict, path: string): StateDictionary {
  const weights = new Map<string, PickledWeight>();
  const ignored: string[] = [];
  for (const [key, value] of dictionary) {
    if (typeof key !== 'string' || !(isKind(value, 'tensor') || isKind(value, 'array'))) {
      ignored.push(nameOfKey(key));
      continue;
    }
    if (key.length > MAX_NAME) throw invalidCheckpoint(path, `a tensor is named \`${shortName(key)}\``);
    weights.set(key, value);
  }
  if (weights.size > MAX_TENSORS) {
    throw invalidCheckpoint(path, `the checkpoint holds ${weights.size} tensors (at most ${MAX_TENSORS})`);
  }
  return { weights, at: '', ignored };
}

function nameOfKey(key: PickleValue): string {
  return typeof key === 'string' || typeof key === 'number' ? shortName(String(key)) : describe(key);
}
