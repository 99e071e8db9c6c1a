/*
 * checkpoint/: weights from anywhere to a model: opening a run or a file (this file), what lies beside it, renaming
 * (`keymaps/`), merging with a report of every name on either side, interpolating positions, saving. `files/` and `pickle/`
 * read the formats; both treat a file as data.
 * Not here: building models, and what a run keeps beside its weights: `train/run`.
 * Called by: `train/`, for pretrained encoders, fine-tuned models and resumed runs.
 */

import type { Shape } from '../contracts/tensor.js';
import type { StoredTensors } from './files/stored-tensor.js';
import { type Checkpoint, loadCheckpoint, type LoadCheckpointOptions } from './load.js';
import { isUsualPlace } from './pickle/state-dictionary.js';
import { descriptionIn, type ModelDescription, readModelDescription } from './model-description.js';
import { optimizerSlots, PRODUCER } from './save.js';

/** The slot of a run's checkpoint that holds the moving average of its weights. */
const AVERAGE_SLOT = 'ema';

/** A checkpoint's weights as they are used: evaluated, fine-tuned from, exported. */
export interface Weights {
  /** What was opened, for messages. */
  readonly path: string;
  /** Whose names the files have: `mae-tasks`, `official`, `hugging-face`, `detectron2`, `mmpretrain`. */
  readonly source: string;
  /** Of safetensors files; empty for others. */
  readonly metadata: Readonly<Record<string, string>>;
  /** By official name; the moving average in place of what it is the average of, where the run kept one. */
  readonly tensors: StoredTensors;
  /** Of the tensors. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** What files beside it, or its metadata, say of the model. */
  readonly description: ModelDescription | undefined;
  /** What was done to the names, in sentences for people. */
  readonly remarks: readonly string[];
}

/**
 * The weights in a file or folder of any known source, under the official names, read once. Put them into a model by
 * `mergeCheckpoint`, which names everything that does not fit.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, naming the file and what is wrong with it
 */
export async function openWeights(path: string, options: LoadCheckpointOptions = {}): Promise<Weights> {
  const checkpoint = await loadCheckpoint(path, options);
  const { tensors: latest, extra, metadata, source, files } = checkpoint;
  const average: StoredTensors = optimizerSlots(extra).get(AVERAGE_SLOT) ?? new Map();
  const tensors = new Map([...latest, ...average]);
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  const description =
    source === PRODUCER ? descriptionIn(metadata, path) : await readModelDescription(files[0] ?? path);
  return { path, source, metadata, tensors, shapes, description, remarks: remarksOn(checkpoint) };
}

/** Names that a remark lists. */
const LISTED = 8;

function remarksOn({ at, prefix, outside }: Checkpoint): string[] {
  const whole = (isUsualPlace(at) ? '' : at) + prefix;
  if (whole === '') return [];
  const taken = `\`${whole}\` was taken off the names of the encoder's weights`;
  if (outside.length === 0) return [taken];
  const listed = outside.slice(0, LISTED).join(', ');
  const rest = outside.length > LISTED ? `, and ${outside.length - LISTED} more` : '';
  return [`${taken}; left out, for their names do not begin so (${outside.length}): ${listed}${rest}`];
}
