import type { Dataset, Sample } from '../../contracts/dataset.js';
import type { Engine } from '../../contracts/engine.js';
import type { Drawing, EvaluationDetails, SamplePipeline } from '../../contracts/objective.js';
import type { BadImage } from '../../data/loading/bad-images.js';
import { createLoader, type Loader } from '../../data/loading/loader.js';
import { takeSamples } from '../../data/loading/take-samples.js';
import type { DecodeOptions } from '../../data/images/image.js';
import { valueWarnings } from '../../data/tools/examine-values.js';
import { createRandom } from '../../base/random.js';
import { decodeOptionsOf } from '../settings/data-settings.js';
import { runEvaluator } from '../loop/evaluate.js';
import type { LoadedTaskModel } from './load.js';
import { createForwardStep } from '../loop/steps.js';

export interface UseOptions {
  readonly engine: Engine;
  readonly loaded: LoadedTaskModel;
  readonly data: Dataset;
  /** Default: that of the training. */
  readonly batchSize?: number | undefined;
  /** The values that are black and white, as `data.valueRange`. Default: that of the training. */
  readonly valueRange?: readonly [low: number, high: number] | undefined;
  readonly reportBadImage?: ((bad: BadImage) => void) | undefined;
  readonly reportWarning?: ((message: string) => void) | undefined;
}

export interface Evaluation {
  /** Pictures that were measured on, each once. */
  readonly pictures: number;
  /** Pictures that cannot be used, which were left out. */
  readonly leftOut: readonly BadImage[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly details: EvaluationDetails | undefined;
}

/**
 * A fine-tuned model's metrics over the usable pictures of a data set, each of which counts once.
 *
 * @throws MaeError `DATA_INVALID` for data of other classes, and where no picture can be used
 */
export async function evaluateTask(options: UseOptions): Promise<Evaluation> {
  const { engine, loaded, data } = options;
  const { task, facts, model, parameters } = loaded;
  task.requireFit?.(data, facts);
  const batchSize = batchSizeOf(options);
  const loader = await load(model.objective.evaluation, batchSize, options);
  let pictures = 0;
  try {
    const evaluator = await runEvaluator(parameters, {
      engine,
      objective: model.objective,
      batchSize,
      batches: counted(loader.batches(0), (number) => {
        pictures += number;
      }),
      random: createRandom(0),
    });
    const metrics = evaluator!.compute();
    return { pictures, leftOut: loader.badImages, metrics, details: await evaluator!.details?.() };
  } finally {
    await loader.close();
  }
}

async function* counted(
  batches: AsyncIterable<readonly Sample[]>,
  count: (number: number) => void,
): AsyncGenerator<readonly Sample[], void, undefined> {
  for await (const samples of batches) {
    count(samples.length);
    yield samples;
  }
}

/** The first usable pictures of a data set with the model's answers, beside the truth, as the task draws them while training. */
export async function drawTask(options: UseOptions & { readonly count: number }): Promise<readonly Drawing[]> {
  const { engine, loaded, data, count } = options;
  const { objective } = loaded.model;
  if (objective.draw === undefined) return [];
  const samples = await takeSamples(await load(objective.evaluation, Math.min(count, data.size), options), count);
  return objective.draw({ engine, parameters: loaded.parameters, samples, random: createRandom(0) });
}

/** One batch of pictures with the model's answers. */
export interface PredictedBatch {
  readonly samples: readonly Sample[];
  readonly results: readonly unknown[];
}

/**
 * A fine-tuned model's answers for the usable pictures of a data set, each once, batch by batch in the data set's order.
 *
 * @throws MaeError `DATA_INVALID` where no picture can be used
 */
export async function* predictTask(options: UseOptions): AsyncGenerator<PredictedBatch, void, undefined> {
  const { engine, loaded } = options;
  const { model, parameters, task } = loaded;
  const { prediction } = model;
  const { forward } = prediction;
  const batchSize = batchSizeOf(options);
  const name = `${task.name}.predict`;
  if (options.reportWarning !== undefined) {
    for (const line of await valueWarnings(options.data, decodeOf(options))) options.reportWarning(line);
  }
  const step = await createForwardStep(name, forward, model.objective.parameters, { engine, batchSize });
  const loader = await load(forward, batchSize, options);
  try {
    for await (const samples of loader.batches(0)) {
      const outputs = await step.run(parameters, samples, createRandom(0));
      yield { samples, results: prediction.decode(outputs, samples) };
    }
  } finally {
    step.dispose();
    await loader.close();
  }
}

function batchSizeOf({ batchSize, loaded, data }: UseOptions): number {
  return Math.min(batchSize ?? loaded.config.batchSize, data.size);
}

function decodeOf({ loaded: { config, vit }, valueRange }: UseOptions): DecodeOptions {
  const decode = decodeOptionsOf(config.data, vit.inChannels);
  return valueRange === undefined ? decode : { ...decode, valueRange };
}

function load({ transforms, target }: SamplePipeline, batchSize: number, options: UseOptions): Promise<Loader> {
  const { loaded, data, reportBadImage, reportWarning } = options;
  const { workers, onBadImage } = loaded.config.data;
  return createLoader({
    dataset: data,
    pipeline: {
      decode: decodeOf(options),
      transforms,
      ...(target === undefined ? {} : { target }),
    },
    batchSize,
    random: createRandom(0),
    shuffle: false,
    dropLast: false,
    onBadImage,
    // Each is named, and nothing is computed from the wrong ones.
    maxBadImages: Infinity,
    ...(workers === null ? {} : { workers }),
    ...(reportBadImage === undefined ? {} : { reportBadImage }),
    ...(reportWarning === undefined ? {} : { reportWarning }),
  });
}
