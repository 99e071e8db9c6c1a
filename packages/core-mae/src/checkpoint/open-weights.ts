/*
 * checkpoint/: weights from anywhere to a model: opening a run or a file (this file), renaming (`keymaps/`), merging
 * with a report of every name on either side, interpolating positions, saving. `files/` and `pickle/` read the
 * formats; both treat a file as data.
 * Not here: building models, and what a run keeps beside its weights: `train/run`.
 * Called by: `train/`, for pretrained encoders, fine-tuned models and resumed runs.
 */

import type { Shape } from '../contracts/tensor.js';
import type { StoredTensors } from './files/stored-tensor.js';
import { loadCheckpoint } from './load.js';
import { optimizerSlots } from './save.js';

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
}

/**
 * The weights in a file or folder of any known source, under the official names, read once. Put them into a model by
 * `mergeCheckpoint`, which names everything that does not fit.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, naming the file and what is wrong with it
 */
export async function openWeights(path: string): Promise<Weights> {
  const { tensors: latest, extra, metadata, source } = await loadCheckpoint(path);
  const average: StoredTensors = optimizerSlots(extra).get(AVERAGE_SLOT) ?? new Map();
  const tensors = new Map([...latest, ...average]);
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  return { path, source, metadata, tensors, shapes };
}
