import type { Dataset, Sample } from '../../contracts/dataset.js';
import type { Engine } from '../../contracts/engine.js';
import type { Objective } from '../../contracts/objective.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import type { BadImage } from '../../data/loading/bad-images.js';
import { subset } from '../../data/readers/split.js';
import { createLoader, type Loader, type LoaderOptions } from '../../data/loading/loader.js';
import { vectorKernels } from '../../engine/kernels/select.js';
import { MaeError } from '../../base/errors.js';
import type { AllocateParameters } from '../../nn/params.js';
import { createRandom } from '../../base/random.js';
import type { Optimizer } from '../../optim/optimizer.js';
import type { ParameterGroups } from '../../optim/param-groups.js';
import { decodeOptionsOf, type ReadingSettings, statisticsOf } from '../settings/data-settings.js';
import { type OptimizerSettings, scheduleOf } from '../settings/optimizer-settings.js';
import { startOfTraining } from '../loop/progress.js';
import { type BatchSource, trainableShapes, type TrainingOptions, type TrainingState } from '../loop/training.js';

/** Pictures to train on, and how trouble with them is reported. */
export interface TrainingInput {
  readonly engine: Engine;
  readonly reading: ReadingSettings;
  readonly data: Dataset;
  readonly heldOut?: Dataset | undefined;
  readonly allocate?: AllocateParameters | undefined;
  readonly reportBadImage?: ((bad: BadImage) => void) | undefined;
  readonly reportWarning?: ((message: string) => void) | undefined;
}

/** What the loop itself is set to; the same for pretraining and for every task. */
export interface LoopSettings {
  readonly epochs: number;
  readonly batchSize: number;
  readonly accumIter: number;
  readonly seed: number;
  readonly optimizer: OptimizerSettings;
}

export interface TrainingPlan {
  readonly objective: Objective;
  readonly inChannels: number;
  readonly settings: LoopSettings;
  /** Initialised or loaded, in arrays that training may change. */
  readonly parameters: ParameterTree;
  readonly allocate: AllocateParameters;
  readonly optimizer: Optimizer;
  readonly groups: ParameterGroups;
}

/** Training, ready to start or to be resumed. */
export interface PreparedTraining {
  readonly state: TrainingState;
  readonly training: TrainingOptions;
  readonly validation: HeldOutBatches | undefined;
  /** Pictures of the data set in order, through the objective's evaluation transforms. */
  inOrder(dataset: Dataset, batchSize: number): Promise<Loader>;
  /** Pictures from all over the held-out data (or the training data), through the evaluation transforms. */
  drawnSamples(count: number): Promise<readonly Sample[]>;
  badImages(): readonly BadImage[];
  /** Ends the worker threads. */
  close(): Promise<void>;
}

/** The held-out data in order. */
export interface HeldOutBatches {
  readonly batchSize: number;
  batches(): AsyncIterable<readonly Sample[]>;
}

/**
 * Loaders, optimizer state and schedule of a training.
 *
 * @throws MaeError `CONFIG_INVALID` or `DATA_EMPTY`
 */
export async function prepareTraining(input: TrainingInput, plan: TrainingPlan): Promise<PreparedTraining> {
  const { engine, reading, data, heldOut } = input;
  const { objective, settings, parameters, allocate, optimizer } = plan;
  const random = createRandom(settings.seed);
  const batchSize = Math.min(settings.batchSize, data.size);
  const state = createTrainingState(plan);
  const loaders: Loader[] = [];
  // The same picture may be met by several loaders, for training and for drawing.
  const badImages = new Map<string, BadImage>();
  const reportBadImage = (bad: BadImage): void => {
    if (badImages.has(bad.id)) return;
    badImages.set(bad.id, bad);
    input.reportBadImage?.(bad);
  };
  const decode = decodeOptionsOf(reading, plan.inChannels);
  const load = async (options: Pick<LoaderOptions, 'dataset' | 'batchSize' | 'random'> & LoadedPart) => {
    const { part, ...rest } = options;
    const { transforms, target } = objective[part];
    const pipeline = { decode, transforms, ...(target === undefined ? {} : { target }) };
    const loader = await createLoader({ ...loaderOptions(input), reportBadImage, ...rest, pipeline });
    loaders.push(loader);
    return loader;
  };
  const loader = await load({ part: 'training', dataset: data, batchSize, random: random.fork('train') });
  const inOrder = async (dataset: Dataset, size: number): Promise<Loader> =>
    load({
      part: 'evaluation',
      dataset,
      batchSize: size,
      random: random.fork('heldOut'),
      shuffle: false,
      dropLast: false,
    });
  const heldOutSize = heldOut === undefined ? 0 : Math.min(settings.batchSize, heldOut.size);
  const heldOutLoader = heldOut === undefined ? undefined : await inOrder(heldOut, heldOutSize);
  const source: BatchSource = {
    batchesPerEpoch: loader.numBatches,
    batches: (epoch, first) => loader.batches(epoch, first),
    release: (batch) => loader.release(batch),
  };
  return {
    state,
    training: {
      engine,
      kernels: vectorKernels,
      allocate,
      objective,
      batches: source,
      batchSize,
      optimizer,
      groups: plan.groups,
      schedule: scheduleOf(settings.optimizer, settings.epochs, batchSize * settings.accumIter),
      accumIter: settings.accumIter,
      clipGrad: settings.optimizer.clipGrad,
      ema: settings.optimizer.ema,
      random,
    },
    validation:
      heldOutLoader === undefined ? undefined : { batchSize: heldOutSize, batches: () => heldOutLoader.batches(0) },
    inOrder,
    async drawnSamples(count) {
      const dataset = heldOut ?? data;
      // Spread over the whole: data sets are often sorted by class.
      const number = Math.min(count, dataset.size);
      const spread = Array.from({ length: number }, (_, place) => Math.floor((place * dataset.size) / number));
      const loader = await inOrder(subset(dataset, spread), number);
      for await (const samples of loader.batches(0)) return samples;
      return [];
    },
    badImages: () => [...badImages.values()],
    async close() {
      await Promise.all(loaders.map((each) => each.close()));
    },
  };

  function createTrainingState({
    settings: {
      optimizer: { ema },
    },
  }: TrainingPlan): TrainingState {
    const trainable = trainableShapes(objective);
    const average = ema === null ? undefined : allocate(trainable);
    for (const [name, { data: values }] of average ?? []) values.set(parameters.get(name)!.data);
    return {
      parameters,
      optimizer: optimizer.createState(trainable, allocate),
      average,
      progress: startOfTraining,
    };
  }
}

type LoadedPart = Partial<LoaderOptions> & { readonly part: 'training' | 'evaluation' };

function loaderOptions({ reading, reportWarning }: TrainingInput): Partial<LoaderOptions> {
  const { workers, onBadImage, maxBadImages } = reading;
  return {
    onBadImage,
    ...(workers === null ? {} : { workers }),
    ...(maxBadImages === null ? {} : { maxBadImages }),
    ...(reportWarning === undefined ? {} : { reportWarning }),
  };
}

/** The constants of normalisation for these channels. @throws MaeError `CONFIG_INVALID` where their number differs */
export function requireStatistics(reading: Pick<ReadingSettings, 'mean' | 'std'>, channels: number) {
  const statistics = statisticsOf(reading, channels);
  const { mean, std } = statistics;
  if (mean.length === channels && std.length === channels) return statistics;
  throw new MaeError('CONFIG_INVALID', {
    what: `\`data.mean\` has ${mean.length} and \`data.std\` ${std.length} values for ${channels} channels`,
    fix: 'give one value for each of `model.inChannels`',
  });
}
