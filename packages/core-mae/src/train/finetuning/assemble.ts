import type { Backbone } from '../../contracts/backbone.js';
import type { Dataset } from '../../contracts/dataset.js';
import type { Objective } from '../../contracts/objective.js';
import type { Task } from '../../contracts/task.js';
import type { MergeReport } from '../../checkpoint/merge-report.js';
import { vectorKernels } from '../../engine/kernels/select.js';
import { createParameterArena } from '../../engine/parameter-arena.js';
import { initializeParameters } from '../../nn/params.js';
import { createRandom } from '../../base/random.js';
import { adamw } from '../../optim/adamw.js';
import { lars } from '../../optim/lars.js';
import type { Optimizer } from '../../optim/optimizer.js';
import { batchesInOrder, encodeSamples, samplesInMemory } from './feature-cache.js';
import type { FinetuneConfig } from '../settings/finetune-config.js';
import type { FinetuneOptimizerSettings } from '../settings/finetune-settings.js';
import { loadEncoder } from '../inputs/pretrained-encoder.js';
import {
  type LoopSettings,
  type PreparedTraining,
  prepareTraining,
  type TrainingInput,
  type TrainingPlan,
} from '../run/prepare-training.js';
import { createForwardStep } from '../loop/steps.js';
import { type BuiltModel, buildTaskModel, parameterGroupsOf } from './task-model.js';

export interface FinetuningInput extends TrainingInput {
  readonly task: Task;
  readonly config: FinetuneConfig;
  readonly backbones: ReadonlyMap<string, Backbone>;
  /** Called while a frozen encoder goes through the pictures, once. */
  readonly reportEncoded?: ((done: number, total: number) => void) | undefined;
}

/** Fine-tuning, ready to start or to be resumed. */
export interface Finetuning extends PreparedTraining {
  readonly built: BuiltModel;
  /** What became of the checkpoint's names; absent where training starts from random weights. */
  readonly merge: MergeReport | undefined;
}

/**
 * Parameters, loaders, optimizer and schedule of a fine-tuning.
 *
 * @throws MaeError for data, settings or a checkpoint that cannot be used
 */
export async function prepareFinetuning(input: FinetuningInput): Promise<Finetuning> {
  const { task, config, backbones, data, heldOut, allocate = createParameterArena() } = input;
  const settings = config[task.name];
  const facts = await task.examine(data, settings);
  if (heldOut !== undefined) task.requireFit?.(heldOut, facts);
  const built = buildTaskModel(task, config, facts, backbones);
  const { model, vit, backbone } = built;
  const parameters = initializeParameters(model.objective.parameters, createRandom(config.seed), allocate);
  const allowances = model.checkpoint;
  const merge =
    config.pretrained === null
      ? undefined
      : await loadEncoder(config.pretrained, parameters, { vit, backbone, allowances });
  const plan = (objective: Objective): TrainingPlan => ({
    objective,
    inChannels: vit.inChannels,
    settings: loopSettings(config),
    parameters,
    allocate,
    optimizer: createOptimizer(config.optimizer),
    groups: parameterGroupsOf(built, objective),
  });
  const { frozenEncoder } = model;
  const prepared =
    frozenEncoder === undefined || config.mode !== 'linear-probe'
      ? await prepareTraining(input, plan(model.objective))
      : await prepareOnFeatures(input, built, plan(frozenEncoder.head));
  return { ...prepared, built, merge };
}

/** The same training with every picture encoded once, beforehand. */
async function prepareOnFeatures(
  input: FinetuningInput,
  { model }: BuiltModel,
  plan: TrainingPlan,
): Promise<PreparedTraining> {
  const { engine, config, data, heldOut, reportEncoded } = input;
  const { encode, head } = model.frozenEncoder!;
  const whole = model.objective;
  // Pictures go through the encoder's transforms; drawings show the whole model's answers to them.
  const objective: Objective = {
    ...head,
    training: { ...head.training, ...pipelineOf(encode) },
    evaluation: { ...head.evaluation, ...pipelineOf(encode) },
    ...(whole.draw === undefined ? {} : { draw: (context) => whole.draw!(context) }),
  };
  const prepared = await prepareTraining(input, { ...plan, objective });
  const { training, state } = prepared;
  const { random } = training;
  const total = data.size + (heldOut?.size ?? 0);
  const features = async (dataset: Dataset, before: number) => {
    const batchSize = Math.min(config.batchSize, dataset.size);
    const step = await createForwardStep('encode', encode, model.objective.parameters, { engine, batchSize });
    const loader = await prepared.inOrder(dataset, batchSize);
    try {
      return await encodeSamples(loader.batches(0), step, state.parameters, random.fork('encode'), (done) =>
        reportEncoded?.(before + done, total),
      );
    } finally {
      step.dispose();
      await loader.close();
    }
  };
  const trainSamples = await features(data, 0);
  const heldOutSamples = heldOut === undefined ? undefined : await features(heldOut, data.size);
  return {
    ...prepared,
    training: { ...training, batches: samplesInMemory(trainSamples, training.batchSize, random.fork('train')) },
    validation: heldOutSamples && batchesInOrder(heldOutSamples, prepared.validation!.batchSize),
  };
}

function pipelineOf({ transforms, target }: Objective['training']) {
  return { transforms, ...(target === undefined ? {} : { target }) };
}

/**
 * Warm-up lasts a tenth of the epochs and at most 5, in linear probing a fifth and at most 10: the official 5 of 50 or
 * 100 epochs and 10 of 50 or 90 (main_finetune.py, main_linprobe.py), and as much of shorter runs.
 */
function loopSettings({ mode, epochs, batchSize, accumIter, seed, optimizer }: FinetuneConfig): LoopSettings {
  const longest = mode === 'linear-probe' ? Math.min(10, epochs / 5) : Math.min(5, epochs / 10);
  const warmupEpochs = optimizer.warmupEpochs ?? longest;
  return { epochs, batchSize, accumIter, seed, optimizer: { ...optimizer, warmupEpochs } };
}

function createOptimizer(settings: FinetuneOptimizerSettings): Optimizer {
  switch (settings.name) {
    case 'adamw':
      return adamw(vectorKernels, settings);
    case 'lars':
      return lars(vectorKernels, settings);
  }
}
