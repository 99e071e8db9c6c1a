/*
 * data/loading/: batches of samples: the order of an epoch, worker threads that decode and transform, the memory that
 * pixels come back in, and pictures that turn out to be broken.
 * Not here: what is done to a picture (`data/transforms`), and tensors: objectives collate samples into batches.
 * Called by: trainings, evaluations and predictions, and scripts by the name `createLoader`.
 */

import type { Dataset, Sample } from '../../contracts/dataset.js';
import type { Random } from '../../contracts/random.js';
import { MaeError } from '../../base/errors.js';
import { type BadImage, type BadImageCounter, countBadImages, defaultMaxBadImages } from './bad-images.js';
import type { PipelineSpec } from '../transforms/pipeline.js';
import type { SampleJob, SampleOutcome } from './sample-jobs.js';
import { createSamplePool, defaultWorkers, type SamplePool } from './sample-pool.js';
import { createSampler, type Sampler, type SamplerOptions } from './sampler.js';
import { fromTransferred } from '../../base/transferred-error.js';

export interface LoaderOptions extends Omit<SamplerOptions, 'size'> {
  readonly dataset: Dataset;
  readonly pipeline: PipelineSpec;
  /** Worker threads that decode and transform; 0 works in the calling thread. Default half the processors, 1 to 8. */
  readonly workers?: number;
  /** Batches begun before they are asked for, which bounds the memory. Default 2, more where batches are very small. */
  readonly prefetch?: number;
  /**
   * What a broken picture does: `fail` stops with its path; `skip` passes it over. Where every batch is full
   * (`dropLast`), the next usable picture of the data set (by index, the first after the last) takes its place; where the
   * last batch may be short, each picture counts once, so it is left out and its batch is short. Default `fail`.
   */
  readonly onBadImage?: 'fail' | 'skip';
  /** Broken pictures passed over before the loader gives up. Default the larger of 10 and 1 % of the data set. */
  readonly maxBadImages?: number;
  /** Called once for each picture that is passed over. */
  readonly reportBadImage?: (bad: BadImage) => void;
  /** Called with oddities of pictures that are used all the same, once for each. */
  readonly reportWarning?: (message: string) => void;
}

export interface Loader {
  /** Batches in an epoch, of which none comes that has no usable picture. */
  readonly numBatches: number;
  /** Pictures passed over so far. */
  readonly badImages: readonly BadImage[];
  /**
   * The batches of an epoch in order, from number `start`: each is the same whatever the number of workers, and
   * wherever the epoch was started. Memory holds at most `prefetch` batches besides the one handed out.
   *
   * @param epochs of the whole training, for transforms that change with it. Default: they are as at its start
   * @throws MaeError of a broken picture, `DATA_INVALID` where no picture can be used, or whatever a transform throws
   */
  batches(epoch: number, start?: number, epochs?: number): AsyncGenerator<readonly Sample[], void, undefined>;
  /**
   * Tells that nobody looks at a batch's pixels any more: those of later ones take their memory, which spares V8 most of
   * its collections. A batch that is not released stays as it is.
   */
  release(batch: readonly Sample[]): void;
  /** Ends the worker threads; without it, they end with the process. */
  close(): Promise<void>;
}

/**
 * A loader of batches of samples over a data set.
 *
 * @throws MaeError `CONFIG_INVALID`, `DATA_EMPTY` or `PLUGIN_INVALID`
 */
export async function createLoader(options: LoaderOptions): Promise<Loader> {
  const { dataset, batchSize, workers = defaultWorkers() } = options;
  checkCount('workers', workers, 0);
  const prefetch = options.prefetch ?? Math.max(2, Math.ceil((2 * workers) / batchSize));
  checkCount('prefetch', prefetch, 1);
  const limit = options.onBadImage === 'skip' ? (options.maxBadImages ?? defaultMaxBadImages(dataset.size)) : 0;
  const source: BatchSource = {
    dataset,
    random: options.random,
    sampler: createSampler({ ...options, size: dataset.size }),
    pool: await createSamplePool(options.pipeline, workers),
    bad: countBadImages(limit, dataset.name, options.reportBadImage ?? ignore),
    onBadImage: options.onBadImage !== 'skip' ? 'fail' : (options.dropLast ?? true) ? 'replace' : 'leave out',
    warn: reportOnce(options.reportWarning ?? ignore),
    memories: new WeakMap(),
  };
  return {
    numBatches: source.sampler.numBatches,
    badImages: source.bad.images,
    batches: (epoch, start = 0, epochs = Infinity) =>
      prefetched(source, { epoch, progress: epoch / epochs }, start, prefetch),
    release(batch) {
      source.pool.release(source.memories.get(batch) ?? []);
      // A second call must not give the same memory to two batches.
      source.memories.delete(batch);
    },
    close: () => source.pool.close(),
  };
}

interface BatchSource {
  readonly dataset: Dataset;
  readonly random: Random;
  readonly sampler: Sampler;
  readonly pool: SamplePool;
  readonly bad: BadImageCounter;
  readonly onBadImage: 'fail' | 'replace' | 'leave out';
  readonly warn: (message: string) => void;
  /** Where the pixels of a batch lie, until it is released. */
  readonly memories: WeakMap<readonly Sample[], readonly SharedArrayBuffer[]>;
}

/** An epoch, and the share of the training that lies before it. */
interface Moment {
  readonly epoch: number;
  readonly progress: number;
}

async function* prefetched(
  source: BatchSource,
  moment: Moment,
  start: number,
  prefetch: number,
): AsyncGenerator<readonly Sample[], void, undefined> {
  const { numBatches } = source.sampler;
  const pending: Array<Promise<Sample[]>> = [];
  let next = start;
  const begin = (): void => {
    while (next < numBatches && pending.length < prefetch) {
      const batch = loadBatch(source, moment, next++);
      // A failure is thrown when its batch is due; until then, or if nobody asks, it must not end the process.
      batch.catch(ignore);
      pending.push(batch);
    }
  };
  begin();
  let isUsable = start > 0;
  for (let batch = pending.shift(); batch !== undefined; batch = pending.shift()) {
    const samples = await batch;
    begin();
    if (samples.length === 0) continue;
    isUsable = true;
    yield samples;
  }
  if (!isUsable) throw nothingUsable(source);
}

async function loadBatch(source: BatchSource, moment: Moment, number: number): Promise<Sample[]> {
  const indices = source.sampler.batch(moment.epoch, number);
  const jobs = indices.map((index) => jobOf(source, moment, index, index));
  const { outcomes, memories } = await source.pool.run(jobs);
  const samples: Sample[] = [];
  for (const [position, outcome] of outcomes.entries()) {
    const sample = await settle(source, moment, indices[position]!, outcome);
    if (sample !== undefined) samples.push(sample);
  }
  source.memories.set(samples, memories);
  return samples;
}

/**
 * The sample of an index, or its replacement's: the next usable picture, with the random stream of the first. Undefined
 * where it is left out.
 */
async function settle(
  source: BatchSource,
  moment: Moment,
  index: number,
  first: SampleOutcome,
): Promise<Sample | undefined> {
  const { dataset, pool } = source;
  let outcome = first;
  for (let step = 0; step < dataset.size; step++) {
    const candidate = (index + step) % dataset.size;
    if (step > 0) {
      if (source.bad.has(candidate)) continue;
      // Memory of a replacement is left to the collector: it is rare.
      outcome = (await pool.run([jobOf(source, moment, index, candidate)])).outcomes[0]!;
    }
    if ('sample' in outcome) {
      for (const warning of outcome.warnings ?? []) source.warn(warning);
      return outcome.sample;
    }
    const { id } = dataset.item(candidate);
    passOver(source, candidate, id, fromTransferred(outcome.error));
    if (source.onBadImage === 'leave out') return undefined;
  }
  throw nothingUsable(source);
}

function nothingUsable({ dataset, bad }: BatchSource): MaeError {
  const last = bad.images.at(-1)?.error;
  return new MaeError('DATA_INVALID', {
    what: `no picture can be used${last === undefined ? '' : `; the last: ${last.message}`}`,
    where: dataset.name,
    fix: 'check the pictures',
    cause: last,
  });
}

/** Counts a broken picture. @throws where it may not be passed over */
function passOver({ bad, onBadImage }: BatchSource, index: number, id: string, error: Error): void {
  if (bad.isBadImage(error)) {
    if (onBadImage === 'fail') throw error;
    bad.add({ index, id, error });
    return;
  }
  if (!(error instanceof MaeError)) error.message = `${error.message} (while making the sample ${id})`;
  throw error;
}

function jobOf(
  { dataset, random, pool }: BatchSource,
  { epoch, progress }: Moment,
  index: number,
  candidate: number,
): SampleJob {
  const stream = random.fork('sample', epoch, index);
  // 53 bits, as many as a seed has.
  const seed = stream.integer(2 ** 21) * 2 ** 32 + stream.integer(2 ** 32);
  const others = random.fork('partners', epoch, index);
  const partners = Array.from({ length: pool.numPartners }, () => dataset.item(others.integer(dataset.size)));
  return { item: dataset.item(candidate), seed, partners, progress };
}

function reportOnce(report: (message: string) => void): (message: string) => void {
  const reported = new Set<string>();
  return (message) => {
    if (reported.has(message)) return;
    reported.add(message);
    report(message);
  };
}

function ignore(): void {
  return;
}

function checkCount(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new MaeError('CONFIG_INVALID', {
    what: `\`${name}\` (=${value}) is not a whole number of at least ${least}`,
  });
}
