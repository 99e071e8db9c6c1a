import { existsSync, statSync } from 'node:fs';
import { mergeCheckpoint } from '../../checkpoint/merge.js';
import { openWeights } from '../../checkpoint/open-weights.js';
import type { Dataset } from '../../contracts/dataset.js';
import type { Task } from '../../contracts/task.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { z } from 'zod';
import { holdsForeignWeights } from '../../checkpoint/locate.js';
import { MaeError } from '../../base/errors.js';
import { initializeParameters } from '../../nn/params.js';
import { createRandom } from '../../base/random.js';
import type { Registry } from '../../plugin/container.js';
import { missingTask } from '../../plugin/find-plugins.js';
import { checkSettings } from '../../base/check-settings.js';
import { type FinetuneConfig, finetuneConfig } from '../settings/finetune-config.js';
import { resolveFinetuneConfig } from './resolve-config.js';
import { openingSettings } from '../settings/use-settings.js';
import { overlaySettings } from '../settings/overlay-settings.js';
import { positionGridOf } from '../inputs/pretrained-encoder.js';
import { findRunFolder } from '../run/run-folder.js';
import { type BuiltModel, buildTaskModel } from './task-model.js';
import { type TrainingMetadata, trainingMetadataOf } from '../inputs/training-metadata.js';

/** A fine-tuned model ready for use. */
export interface LoadedTaskModel extends BuiltModel {
  /** The file that the weights came from. */
  readonly path: string;
  readonly parameters: ParameterTree;
}

export interface LoadTaskOptions {
  /** Settings laid over the run's own: `{ classify: { testTimeFlip: true } }`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** For weights that are not of a run: the task, and data to learn the facts from. */
  readonly foreign?: { readonly task: string; readonly data: Dataset } | undefined;
  /** Called with what was done to the names of foreign weights, and what had to be guessed of them. */
  readonly reportWarning?: ((message: string) => void) | undefined;
}

/**
 * A fine-tuned model from a run (its best weights where there are some, else its last) or from a checkpoint.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, `CHECKPOINT_MISMATCH`, `RUN_INVALID`, or `PLUGIN_MISSING` where its task is
 * not installed
 */
export async function loadTaskModel(
  place: string,
  registry: Registry,
  { settings = {}, foreign, reportWarning }: LoadTaskOptions = {},
): Promise<LoadedTaskModel> {
  const path = await weightsAt(place);
  const { tensors, metadata, remarks } = await openWeights(path, checkSettings(openingOf, settings, path).checkpoint);
  for (const remark of remarks) reportWarning?.(remark);
  const saved = trainingMetadataOf(metadata, path);
  const built =
    saved !== undefined && saved.objective !== 'pretrain'
      ? savedTaskModel(saved, path, registry, settings)
      : await buildForeign(path, registry, settings, { foreign, reportWarning });
  const parameters = initializeParameters(built.model.objective.parameters, createRandom(0));
  mergeCheckpoint(parameters, tensors, {
    path,
    positions: { pos_embed: { to: positionGridOf(built.vit, built.model.checkpoint) } },
  });
  return { ...built, path, parameters };
}

/**
 * The model that a fine-tuning's checkpoint says it is of.
 *
 * @param path of the checkpoint, for messages
 * @param settings laid over the run's own
 * @throws MaeError `PLUGIN_MISSING` or `CONFIG_INVALID`
 */
export function savedTaskModel(
  saved: TrainingMetadata,
  path: string,
  registry: Pick<Registry, 'tasks' | 'backbones'>,
  settings: Readonly<Record<string, unknown>> = {},
): BuiltModel {
  const task = taskNamed(saved.objective, registry);
  const config = checkSettings(finetuneConfig(task), overlaySettings(saved.config, settings), path);
  return buildTaskModel(task, config, saved.facts, registry.backbones);
}

/** The part of the settings that says how the file is read; the rest is the task's to check. */
const openingOf = z.object({ checkpoint: openingSettings.loose().prefault({}) });

/** The task of this name. @throws MaeError `PLUGIN_MISSING` */
export function taskNamed(name: string, { tasks }: Pick<Registry, 'tasks'>): Task {
  const task = tasks.get(name);
  if (task === undefined) throw missingTask(name, [...tasks.keys()]);
  return task;
}

async function buildForeign(
  path: string,
  registry: Registry,
  settings: Readonly<Record<string, unknown>>,
  { foreign, reportWarning }: Pick<LoadTaskOptions, 'foreign' | 'reportWarning'>,
): Promise<BuiltModel> {
  if (foreign === undefined) {
    throw new MaeError('CHECKPOINT_INVALID', {
      what: 'this is not the checkpoint of a fine-tuning run',
      where: path,
      fix: 'name its task by --task, with --data of the same classes; or fine-tune it first',
    });
  }
  const task = taskNamed(foreign.task, registry);
  const given = overlaySettings({ pretrained: path, data: { path: foreign.data.name } }, settings);
  const config: FinetuneConfig = await resolveFinetuneConfig(task, given, path, { reportWarning });
  const facts = await task.examine(foreign.data, config[task.name]);
  return buildTaskModel(task, config, facts, registry.backbones);
}

async function weightsAt(place: string): Promise<string> {
  if (!existsSync(place) || !statSync(place).isDirectory()) return place;
  const isRun = existsSync(`${place}/config.yaml`);
  if (!isRun && (await holdsForeignWeights(place))) return place;
  const { best, last } = (await findRunFolder(place)).weights;
  return existsSync(best) ? best : last;
}
