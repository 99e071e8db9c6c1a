import type { Dataset, Sample } from '../contracts/dataset.js';
import type { Engine } from '../contracts/engine.js';
import type { Objective } from '../contracts/objective.js';
import type { BadImage } from '../data/bad-images.js';
import { createLoader, type Loader, type LoaderOptions } from '../data/loader.js';
import { vectorKernels } from '../engine/kernels/select.js';
import { createParameterArena } from '../engine/parameter-arena.js';
import { MaeError } from '../errors.js';
import type { MaeConfig, MaskOptions } from '../models/mae-config.js';
import { type AllocateParameters, initializeParameters } from '../nn/params.js';
import { createRandom } from '../nn/random.js';
import { adamw } from '../optim/adamw.js';
import { weightDecayGroups } from '../optim/param-groups.js';
import { decodeOptionsOf, type ReadingSettings, statisticsOf } from './data-settings.js';
import { maeObjective } from './mae-objective.js';
import { resolveModel } from './model-settings.js';
import { scheduleOf } from './optimizer-settings.js';
import type { PretrainSettings } from './pretrain-settings.js';
import { startOfTraining } from './progress.js';
import { trainableShapes, type TrainingOptions, type TrainingState } from './training.js';
import { evaluationTransforms, pretrainTransforms } from './transform-recipes.js';

export interface PretrainingInput {
  readonly engine: Engine;
  readonly settings: PretrainSettings;
  readonly reading: ReadingSettings;
  readonly data: Dataset;
  readonly heldOut?: Dataset | undefined;
  readonly allocate?: AllocateParameters | undefined;
  readonly reportBadImage?: ((bad: BadImage) => void) | undefined;
  readonly reportWarning?: ((message: string) => void) | undefined;
}

/** Pretraining, ready to start or to be resumed. */
export interface Pretraining {
  readonly model: MaeConfig;
  readonly mask: MaskOptions;
  readonly objective: Objective;
  readonly state: TrainingState;
  readonly training: TrainingOptions;
  readonly validation: { readonly batchSize: number; batches(): AsyncIterable<readonly Sample[]> } | undefined;
  /** Some pictures of the held-out data (or of the training data), through the evaluation transforms. */
  drawnSamples(count: number): Promise<readonly Sample[]>;
  badImages(): readonly BadImage[];
  /** Ends the worker threads. */
  close(): Promise<void>;
}

/**
 * Parameters, loaders, optimizer and schedule of a pretraining.
 *
 * @throws MaeError `CONFIG_INVALID` or `DATA_EMPTY`
 */
export async function preparePretraining(input: PretrainingInput): Promise<Pretraining> {
  const { engine, settings, reading, data, heldOut, allocate = createParameterArena() } = input;
  const model = resolveModel(settings.model);
  const statistics = statisticsOf(reading, model.inChannels);
  requireChannels(statistics.mean, statistics.std, model.inChannels);
  const mask: MaskOptions = settings;
  const objective = maeObjective({
    config: model,
    mask,
    trainTransforms: pretrainTransforms(model.imageSize, settings.augmentation, statistics),
    evalTransforms: evaluationTransforms(model.imageSize, statistics),
    ...statistics,
  });
  const random = createRandom(settings.seed);
  const batchSize = Math.min(settings.batchSize, data.size);
  const parameters = initializeParameters(objective.parameters, random, allocate);
  const trainable = trainableShapes(objective);
  const optimizer = adamw(vectorKernels, settings.optimizer);
  const average = settings.optimizer.ema === null ? undefined : allocate(trainable);
  for (const [name, { data: values }] of average ?? []) values.set(parameters.get(name)!.data);
  const state: TrainingState = {
    parameters,
    optimizer: optimizer.createState(trainable, allocate),
    average,
    progress: startOfTraining,
  };

  const loaders: Loader[] = [];
  // The same picture may be met by several loaders, for training and for drawing.
  const badImages = new Map<string, BadImage>();
  const reportBadImage = (bad: BadImage): void => {
    if (badImages.has(bad.id)) return;
    badImages.set(bad.id, bad);
    input.reportBadImage?.(bad);
  };
  const load = async (
    options: Pick<LoaderOptions, 'dataset' | 'pipeline' | 'batchSize' | 'random'> & Partial<LoaderOptions>,
  ) => {
    const loader = await createLoader({ ...loaderOptions(input), reportBadImage, ...options });
    loaders.push(loader);
    return loader;
  };
  const decode = decodeOptionsOf(reading, model.inChannels);
  const loader = await load({
    dataset: data,
    pipeline: { decode, transforms: objective.training.transforms },
    batchSize,
    random: random.fork('train'),
  });
  const inOrder = async (dataset: Dataset, size: number): Promise<Loader> =>
    load({
      dataset,
      pipeline: { decode, transforms: objective.evaluation.transforms },
      batchSize: size,
      random: random.fork('heldOut'),
      shuffle: false,
      dropLast: false,
    });
  const heldOutSize = heldOut === undefined ? 0 : Math.min(settings.batchSize, heldOut.size);
  const heldOutLoader = heldOut === undefined ? undefined : await inOrder(heldOut, heldOutSize);

  return {
    model,
    mask,
    objective,
    state,
    training: {
      engine,
      kernels: vectorKernels,
      allocate,
      objective,
      batches: { batchesPerEpoch: loader.numBatches, batches: (epoch, first) => loader.batches(epoch, first) },
      batchSize,
      optimizer,
      groups: weightDecayGroups(trainable, settings.optimizer.weightDecay),
      schedule: scheduleOf(settings.optimizer, settings.epochs, batchSize * settings.accumIter),
      accumIter: settings.accumIter,
      clipGrad: settings.optimizer.clipGrad,
      ema: settings.optimizer.ema,
      random,
    },
    validation:
      heldOutLoader === undefined ? undefined : { batchSize: heldOutSize, batches: () => heldOutLoader.batches(0) },
    async drawnSamples(count) {
      const dataset = heldOut ?? data;
      const first = await inOrder(dataset, Math.min(count, dataset.size));
      for await (const samples of first.batches(0)) return samples;
      return [];
    },
    badImages: () => [...badImages.values()],
    async close() {
      await Promise.all(loaders.map((each) => each.close()));
    },
  };
}

function loaderOptions({ reading, reportWarning }: PretrainingInput): Partial<LoaderOptions> {
  const { workers, onBadImage, maxBadImages } = reading;
  return {
    onBadImage,
    ...(workers === null ? {} : { workers }),
    ...(maxBadImages === null ? {} : { maxBadImages }),
    ...(reportWarning === undefined ? {} : { reportWarning }),
  };
}

function requireChannels(mean: readonly number[], std: readonly number[], channels: number): void {
  if (mean.length === channels && std.length === channels) return;
  throw new MaeError('CONFIG_INVALID', {
    what: `\`data.mean\` has ${mean.length} and \`data.std\` ${std.length} values for ${channels} channels`,
    fix: 'give one value for each of `model.inChannels`',
  });
}
