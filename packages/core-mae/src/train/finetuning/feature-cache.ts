import type { Dataset, Sample } from '../../contracts/dataset.js';
import type { Engine } from '../../contracts/engine.js';
import type { BatchedFunction, ForwardStep } from '../../contracts/objective.js';
import type { ParameterSpecs } from '../../contracts/parameters.js';
import type { Random } from '../../contracts/random.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { createSampler } from '../../data/loading/sampler.js';
import { describeTrainingData, type PictureLoaders } from '../inputs/load-training-data.js';
import type { TrainingPictures } from '../inputs/open-training-data.js';
import { compileForward } from '../loop/steps.js';
import type { BatchSource, HeldOutBatches, TrainingData } from '../loop/training-data.js';

export interface EncodeOptions {
  readonly engine: Engine;
  /** Of the whole model. */
  readonly specs: ParameterSpecs;
  readonly parameters: ParameterTree;
  /** The run's. */
  readonly random: Random;
  readonly loaders: PictureLoaders;
  readonly reportEncoded?: ((done: number, total: number) => void) | undefined;
}

/**
 * A training's pictures as a frozen encoder sees them: each is encoded once, now, and no thread that decodes pictures is
 * left behind.
 */
export async function encodeTrainingData(
  pictures: TrainingPictures,
  encode: BatchedFunction,
  batchSize: number,
  { engine, specs, parameters, random, loaders, reportEncoded }: EncodeOptions,
): Promise<TrainingData> {
  const { train, heldOut } = pictures;
  const total = train.size + (heldOut?.size ?? 0);
  const features = async (dataset: Dataset, before: number): Promise<Sample[]> => {
    const size = Math.min(batchSize, dataset.size);
    const step = await compileForward('encode', encode, specs, { engine, batchSize: size });
    const loader = await loaders.inOrder(dataset, encode, size);
    try {
      return await encodeSamples(loader.batches(0), step, parameters, random.fork('encode'), (done) =>
        reportEncoded?.(before + done, total),
      );
    } finally {
      step.dispose();
      await loader.close();
    }
  };
  const trainSamples = await features(train, 0);
  const heldOutSamples = heldOut && (await features(heldOut, train.size));
  // Broken pictures have no features.
  const size = Math.min(batchSize, trainSamples.length);
  return {
    ...describeTrainingData(pictures, encode, loaders),
    batchSize: size,
    train: samplesInMemory(trainSamples, size, random.fork('train')),
    heldOut: heldOutSamples && batchesInOrder(heldOutSamples, Math.min(batchSize, heldOutSamples.length)),
    close: () => Promise.resolve(),
  };
}

/**
 * The samples of a data set with an encoder's features in place of their pixels: `[1, 1, F]` each.
 *
 * @param report called after each batch with the number of samples done
 */
async function encodeSamples(
  batches: AsyncIterable<readonly Sample[]>,
  step: ForwardStep,
  parameters: ParameterTree,
  random: Random,
  report?: (done: number) => void,
): Promise<Sample[]> {
  const encoded: Sample[] = [];
  for await (const samples of batches) {
    const { features } = await step.run(parameters, samples, random);
    if (features === undefined) throw new Error('A frozen encoder must output `features`.');
    const width = features.shape[1]!;
    samples.forEach((sample, index) => {
      const pixels = (features.data as Float32Array).slice(index * width, (index + 1) * width);
      encoded.push({ ...sample, pixels, width: 1, height: 1, channels: width });
    });
    report?.(encoded.length);
  }
  return encoded;
}

/** Epochs over samples that lie in memory, in the order that a loader would give them. */
function samplesInMemory(samples: readonly Sample[], batchSize: number, random: Random): BatchSource {
  const sampler = createSampler({ size: samples.length, batchSize, random });
  const batch = (epoch: number, index: number): Sample[] =>
    [...sampler.batch(epoch, index)].map((item) => samples[item]!);
  return {
    batchesPerEpoch: sampler.numBatches,
    batches: (epoch, first) => eachOf(sampler.numBatches, (index) => batch(epoch, index), first),
  };
}

/** Samples in memory in their own order; the last batch may be short. */
function batchesInOrder(samples: readonly Sample[], batchSize: number): HeldOutBatches {
  const count = Math.ceil(samples.length / batchSize);
  return {
    batchSize,
    batches: () => eachOf(count, (index) => samples.slice(index * batchSize, (index + 1) * batchSize)),
  };
}

async function* eachOf(
  count: number,
  batch: (index: number) => readonly Sample[],
  first = 0,
): AsyncGenerator<readonly Sample[], void, undefined> {
  for (let index = first; index < count; index++) yield await Promise.resolve(batch(index));
}
