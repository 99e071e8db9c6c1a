import { createRandom } from '../../base/random.js';
import type { Engine } from '../../contracts/engine.js';
import { vectorKernels } from '../../engine/kernels/select.js';
import { createParameterArena } from '../../engine/parameter-arena.js';
import { tieKeysToQueries } from '../../nn/attention.js';
import { initializeParameters } from '../../nn/params.js';
import { adamw } from '../../optim/adamw.js';
import { weightDecayGroups } from '../../optim/param-groups.js';
import { loadTrainingData, pictureLoaders, type PictureReports } from '../inputs/load-training-data.js';
import type { TrainingPictures } from '../inputs/open-training-data.js';
import { evaluationTransforms, pretrainTransforms } from '../inputs/transform-recipes.js';
import { loopOptions, startingState } from '../loop/assemble-training.js';
import { type Training, trainableShapes } from '../loop/training.js';
import { loadTrainingState } from '../run/training-checkpoint.js';
import { type ReadingSettings, requireStatistics } from '../settings/data-settings.js';
import { resolveModel } from '../settings/model-settings.js';
import type { PretrainSettings } from '../settings/pretrain-settings.js';
import { maeObjective } from './mae-objective.js';

export interface PretrainingInput extends PictureReports {
  readonly engine: Engine;
  readonly pictures: TrainingPictures;
  /** The checkpoint of a run to resume. Default: initial weights. */
  readonly resumeFrom?: string | undefined;
}

/**
 * A pretraining, ready to run.
 *
 * @throws MaeError `CONFIG_INVALID`, `DATA_EMPTY`, or as {@link loadTrainingState}
 */
export async function assemblePretraining(
  settings: PretrainSettings & { readonly data: ReadingSettings },
  { engine, pictures, resumeFrom, ...reports }: PretrainingInput,
): Promise<Training> {
  const allocate = createParameterArena();
  const model = resolveModel(settings.model);
  const statistics = requireStatistics(settings.data, model.inChannels);
  const objective = maeObjective({
    config: model,
    mask: settings,
    trainTransforms: pretrainTransforms(model.imageSize, settings.augmentation, statistics),
    evalTransforms: evaluationTransforms(model.imageSize, statistics),
    ...statistics,
  });
  const random = createRandom(settings.seed);
  const loop = loopOptions(settings, Math.min(settings.batchSize, pictures.train.size), {
    engine,
    allocate,
    optimizer: adamw(vectorKernels, settings.optimizer),
    groups: weightDecayGroups(trainableShapes(objective), settings.optimizer.weightDecay),
  });
  const parameters = initializeParameters(objective.parameters, random, allocate);
  if (settings.attentionInit === 'tied') tieKeysToQueries(parameters);
  const state = startingState(objective, parameters, loop);
  if (resumeFrom !== undefined) await loadTrainingState(resumeFrom, state);
  const loaders = pictureLoaders(settings.data, {
    inChannels: model.inChannels,
    random,
    ...reports,
  });
  const data = await loadTrainingData(pictures, objective, settings.batchSize, loaders);
  return { objective, state, loop, data };
}
