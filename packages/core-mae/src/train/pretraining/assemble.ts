import type { Objective } from '../../contracts/objective.js';
import { vectorKernels } from '../../engine/kernels/select.js';
import { createParameterArena } from '../../engine/parameter-arena.js';
import type { MaeConfig, MaskOptions } from '../../models/mae-config.js';
import { initializeParameters } from '../../nn/params.js';
import { createRandom } from '../../base/random.js';
import { adamw } from '../../optim/adamw.js';
import { weightDecayGroups } from '../../optim/param-groups.js';
import { maeObjective } from './mae-objective.js';
import { resolveModel } from '../settings/model-settings.js';
import {
  type PreparedTraining,
  prepareTraining,
  requireStatistics,
  type TrainingInput,
} from '../run/prepare-training.js';
import type { PretrainSettings } from '../settings/pretrain-settings.js';
import { trainableShapes } from '../loop/training.js';
import { evaluationTransforms, pretrainTransforms } from '../inputs/transform-recipes.js';

export interface PretrainingInput extends TrainingInput {
  readonly settings: PretrainSettings;
}

/** Pretraining, ready to start or to be resumed. */
export interface Pretraining extends PreparedTraining {
  readonly model: MaeConfig;
  readonly mask: MaskOptions;
  readonly objective: Objective;
}

/**
 * Parameters, loaders, optimizer and schedule of a pretraining.
 *
 * @throws MaeError `CONFIG_INVALID` or `DATA_EMPTY`
 */
export async function preparePretraining(input: PretrainingInput): Promise<Pretraining> {
  const { settings, reading, allocate = createParameterArena() } = input;
  const model = resolveModel(settings.model);
  const statistics = requireStatistics(reading, model.inChannels);
  const mask: MaskOptions = settings;
  const objective = maeObjective({
    config: model,
    mask,
    trainTransforms: pretrainTransforms(model.imageSize, settings.augmentation, statistics),
    evalTransforms: evaluationTransforms(model.imageSize, statistics),
    ...statistics,
  });
  const prepared = await prepareTraining(input, {
    objective,
    inChannels: model.inChannels,
    settings,
    parameters: initializeParameters(objective.parameters, createRandom(settings.seed), allocate),
    allocate,
    optimizer: adamw(vectorKernels, settings.optimizer),
    groups: weightDecayGroups(trainableShapes(objective), settings.optimizer.weightDecay),
  });
  return { ...prepared, model, mask, objective };
}
