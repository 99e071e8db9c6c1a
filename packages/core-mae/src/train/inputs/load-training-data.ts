/*
 * train/inputs/: what a training begins with: its data opened, split and loaded (this file), a pretrained encoder,
 * recipes of transforms, what a checkpoint says of itself.
 * Not here: the model and the optimizer: `pretraining/assemble`, `finetuning/assemble`.
 * Called by: both trainings, and `train/run` for a checkpoint's metadata.
 */

import { createHash } from 'node:crypto';
import type { Dataset, Sample } from '../../contracts/dataset.js';
import type { Objective, SamplePipeline } from '../../contracts/objective.js';
import type { Random } from '../../contracts/random.js';
import type { BadImage } from '../../data/loading/bad-images.js';
import { createLoader, type Loader, type LoaderOptions } from '../../data/loading/loader.js';
import { takeSamples } from '../../data/loading/take-samples.js';
import { subset } from '../../data/readers/split.js';
import type { PictureSet, TrainingData } from '../loop/training-data.js';
import { decodeOptionsOf, type ReadingSettings } from '../settings/data-settings.js';
import type { TrainingPictures } from './open-training-data.js';

/** Who is told of oddities among the pictures. */
export interface PictureReports {
  readonly reportBadImage?: ((bad: BadImage) => void) | undefined;
  readonly reportWarning?: ((message: string) => void) | undefined;
}

/** Opens loaders that read pictures as one training does. Who opens a loader closes it. */
export interface PictureLoaders {
  /** Full batches in the order of each epoch. */
  shuffled(dataset: Dataset, pipeline: SamplePipeline, batchSize: number): Promise<Loader>;
  /** Each usable picture once, in the data set's order: the last batch may be short, and one with a broken picture. */
  inOrder(dataset: Dataset, pipeline: SamplePipeline, batchSize: number): Promise<Loader>;
  /** Pictures that any of the loaders passed over. */
  badImages(): readonly BadImage[];
}

export interface PictureUse {
  readonly inChannels: number;
  readonly random: Random;
}

export function pictureLoaders(
  reading: ReadingSettings,
  { inChannels, random, ...reports }: PictureReports & PictureUse,
): PictureLoaders {
  const { workers, onBadImage, maxBadImages } = reading;
  // The same picture may be met by several loaders, for training and for drawing.
  const badImages = new Map<string, BadImage>();
  const common = {
    onBadImage,
    ...(workers === null ? {} : { workers }),
    ...(maxBadImages === null ? {} : { maxBadImages }),
    ...(reports.reportWarning === undefined ? {} : { reportWarning: reports.reportWarning }),
    reportBadImage(bad: BadImage) {
      if (badImages.has(bad.id)) return;
      badImages.set(bad.id, bad);
      reports.reportBadImage?.(bad);
    },
  };
  const decode = decodeOptionsOf(reading, inChannels);
  const load = (
    { transforms, target }: SamplePipeline,
    options: Pick<LoaderOptions, 'dataset' | 'batchSize' | 'random' | 'shuffle' | 'dropLast'>,
  ): Promise<Loader> =>
    createLoader({
      ...common,
      ...options,
      pipeline: { decode, transforms, ...(target === undefined ? {} : { target }) },
    });
  return {
    shuffled: (dataset, pipeline, batchSize) => load(pipeline, { dataset, batchSize, random: random.fork('train') }),
    inOrder: (dataset, pipeline, batchSize) =>
      load(pipeline, { dataset, batchSize, random: random.fork('heldOut'), shuffle: false, dropLast: false }),
    badImages: () => [...badImages.values()],
  };
}

/**
 * A training's pictures, loaded batch by batch while it runs.
 *
 * @param batchSize the most pictures of a batch; a smaller data set makes it smaller
 * @throws MaeError `CONFIG_INVALID`, `DATA_EMPTY` or `PLUGIN_INVALID`
 */
export async function loadTrainingData(
  pictures: TrainingPictures,
  { training, evaluation }: Pick<Objective, 'training' | 'evaluation'>,
  batchSize: number,
  loaders: PictureLoaders,
): Promise<TrainingData> {
  const { train, heldOut } = pictures;
  const size = Math.min(batchSize, train.size);
  const heldOutSize = Math.min(batchSize, heldOut?.size ?? 0);
  const loader = await loaders.shuffled(train, training, size);
  const inOrder = heldOut && (await loaders.inOrder(heldOut, evaluation, heldOutSize));
  return {
    ...describeTrainingData(pictures, evaluation, loaders),
    batchSize: size,
    train: {
      batchesPerEpoch: loader.numBatches,
      batches: (epoch, first, epochs) => loader.batches(epoch, first, epochs),
      release: (batch) => {
        loader.release(batch);
      },
    },
    heldOut: inOrder && { batchSize: heldOutSize, batches: () => inOrder.batches(0) },
    async close() {
      await Promise.all([loader.close(), inOrder?.close()]);
    },
  };
}

/** What is said of a training's pictures however their batches come: which they are, which are broken or drawn. */
export function describeTrainingData(
  { train, heldOut }: TrainingPictures,
  evaluation: SamplePipeline,
  loaders: PictureLoaders,
): Pick<TrainingData, 'name' | 'pictures' | 'pictureNames' | 'drawnSamples' | 'badImages'> {
  return {
    name: train.name,
    pictures: { train: pictureSet(train), heldOut: pictureSet(heldOut) },
    pictureNames: () => ({ train: namesOf(train), heldOut: namesOf(heldOut) }),
    drawnSamples: (count) =>
      spreadSamples(heldOut ?? train, count, (dataset, size) => loaders.inOrder(dataset, evaluation, size)),
    badImages: () => loaders.badImages(),
  };
}

function namesOf(dataset: Dataset | undefined): string[] {
  return Array.from({ length: dataset?.size ?? 0 }, (_, index) => dataset!.item(index).id);
}

function pictureSet(dataset: Dataset | undefined): PictureSet {
  const hash = createHash('sha256');
  const count = dataset?.size ?? 0;
  for (let index = 0; index < count; index++) hash.update(`${dataset!.item(index).id}\n`);
  return { count, digest: hash.digest('hex') };
}

/** Samples from all over a data set, which is often sorted by class; others, from its start, for those that are broken. */
async function spreadSamples(
  dataset: Dataset,
  count: number,
  load: (dataset: Dataset, batchSize: number) => Promise<Loader>,
): Promise<readonly Sample[]> {
  const number = Math.min(count, dataset.size);
  const spread = new Set(Array.from({ length: number }, (_, place) => Math.floor((place * dataset.size) / number)));
  const others = Array.from({ length: dataset.size }, (_, index) => index).filter((index) => !spread.has(index));
  return takeSamples(await load(subset(dataset, [...spread, ...others]), number), number);
}
