import { createRandom } from '../../base/random.js';
import type { MergeReport } from '../../checkpoint/merge-report.js';
import type { Backbone } from '../../contracts/backbone.js';
import type { Engine } from '../../contracts/engine.js';
import type { Objective } from '../../contracts/objective.js';
import type { Task } from '../../contracts/task.js';
import { vectorKernels } from '../../engine/kernels/select.js';
import { createParameterArena } from '../../engine/parameter-arena.js';
import { initializeParameters } from '../../nn/params.js';
import { adamw } from '../../optim/adamw.js';
import { lars } from '../../optim/lars.js';
import type { Optimizer } from '../../optim/optimizer.js';
import { loadTrainingData, pictureLoaders, type PictureReports } from '../inputs/load-training-data.js';
import type { TrainingPictures } from '../inputs/open-training-data.js';
import { loadEncoder } from '../inputs/pretrained-encoder.js';
import { loopOptions, type LoopSettings, startingState } from '../loop/assemble-training.js';
import type { Training } from '../loop/training.js';
import { loadTrainingState } from '../run/training-checkpoint.js';
import type { FinetuneConfig } from '../settings/finetune-config.js';
import type { FinetuneOptimizerSettings } from '../settings/finetune-settings.js';
import { encodeTrainingData } from './feature-cache.js';
import { type BuiltModel, buildTaskModel, parameterGroupsOf } from './task-model.js';

export interface FinetuningInput extends PictureReports {
  readonly engine: Engine;
  readonly pictures: TrainingPictures;
  readonly backbones: ReadonlyMap<string, Backbone>;
  /** The checkpoint of a run to resume, which holds all weights. Default: those of `pretrained`, or initial ones. */
  readonly resumeFrom?: string | undefined;
  /** Called while a frozen encoder goes through the pictures, once. */
  readonly reportEncoded?: ((done: number, total: number) => void) | undefined;
}

/** A fine-tuning, ready to run. */
export interface Finetuning extends Training {
  readonly built: BuiltModel;
  /** What became of the checkpoint's names; absent where training starts from random weights or is resumed. */
  readonly merge: MergeReport | undefined;
  /** What the run of the checkpoint says that its weights have not learned. */
  readonly untrained: string | undefined;
}

/**
 * A fine-tuning, ready to run.
 *
 * @param facts what `task.examine` said of the training pictures
 * @throws MaeError for data, settings or a checkpoint that cannot be used
 */
export async function assembleFinetuning(
  task: Task,
  config: FinetuneConfig,
  facts: unknown,
  { engine, pictures, backbones, resumeFrom, reportEncoded, ...reports }: FinetuningInput,
): Promise<Finetuning> {
  const allocate = createParameterArena();
  const built = buildTaskModel(task, config, facts, backbones);
  const { model, vit, backbone } = built;
  const random = createRandom(config.seed);
  const parameters = initializeParameters(model.objective.parameters, random, allocate);
  const loaded =
    config.pretrained === null || resumeFrom !== undefined
      ? undefined
      : await loadEncoder(config.pretrained, parameters, {
          vit,
          backbone,
          allowances: model.checkpoint,
          prefix: config.checkpoint.prefix,
        });
  const frozen = config.mode === 'linear-probe' ? model.frozenEncoder : undefined;
  const objective = frozen === undefined ? model.objective : headObjective(frozen.head, model.objective);
  const loop = loopOptions(loopSettings(config), Math.min(config.batchSize, pictures.train.size), {
    engine,
    allocate,
    optimizer: createOptimizer(config.optimizer),
    groups: parameterGroupsOf(built, objective),
  });
  const state = startingState(objective, parameters, loop);
  // Before the data, which may be what the encoder says of it.
  if (resumeFrom !== undefined) await loadTrainingState(resumeFrom, state);
  const loaders = pictureLoaders(config.data, {
    inChannels: vit.inChannels,
    random,
    ...reports,
  });
  const data =
    frozen === undefined
      ? await loadTrainingData(pictures, objective, config.batchSize, loaders)
      : await encodeTrainingData(pictures, frozen.encode, config.batchSize, {
          engine,
          specs: model.objective.parameters,
          parameters,
          random,
          loaders,
          reportEncoded,
        });
  return { objective, state, loop, data, built, merge: loaded?.merge, untrained: loaded?.untrained };
}

/** A head that is trained on features; drawings show the whole model's answers to pictures. */
function headObjective(head: Objective, whole: Objective): Objective {
  return { ...head, ...(whole.draw === undefined ? {} : { draw: (context) => whole.draw!(context) }) };
}

/**
 * Warm-up lasts a tenth of the epochs and at most 5, in linear probing a fifth and at most 10: the official 5 of 50 or
 * 100 epochs and 10 of 50 or 90 (main_finetune.py, main_linprobe.py), and as much of shorter runs.
 */
function loopSettings({ mode, epochs, accumIter, seed, optimizer }: FinetuneConfig): LoopSettings {
  const longest = mode === 'linear-probe' ? Math.min(10, epochs / 5) : Math.min(5, epochs / 10);
  const warmupEpochs = optimizer.warmupEpochs ?? longest;
  return { epochs, accumIter, seed, optimizer: { ...optimizer, warmupEpochs } };
}

function createOptimizer(settings: FinetuneOptimizerSettings): Optimizer {
  switch (settings.name) {
    case 'adamw':
      return adamw(vectorKernels, settings);
    case 'lars':
      return lars(vectorKernels, settings);
  }
}
