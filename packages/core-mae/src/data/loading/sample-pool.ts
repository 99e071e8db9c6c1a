import { availableParallelism } from 'node:os';
import type { Item } from '../../contracts/dataset.js';
import { workerFile } from '../../base/worker-file.js';
import { decodeManyAtOnce } from '../images/image.js';
import { createPipeline, type PipelineSpec } from '../transforms/pipeline.js';
import {
  runSampleJobs,
  type SampleJob,
  type SampleOutcome,
  type SampleTask,
  type SampleTaskResult,
} from './sample-jobs.js';
import { createSampleMemory } from './sample-memory.js';

export interface SampleJobsResult {
  /** In the jobs' order. */
  readonly outcomes: readonly SampleOutcome[];
  /** Where floats of the samples lie. */
  readonly memories: readonly SharedArrayBuffer[];
}

/** Makes samples, here or in worker threads. */
export interface SamplePool {
  /** Other items that each job has to bring. */
  readonly numPartners: number;
  /** Jobs handed in earlier are begun earlier. */
  run(jobs: readonly SampleJob[]): Promise<SampleJobsResult>;
  /** Takes the memories of samples that are done with, for later ones. */
  release(memories: readonly SharedArrayBuffer[]): void;
  /** Ends the threads once the jobs under way are done. */
  close(): Promise<void>;
}

/** Half of the processors that this process may use, 1 to 8: the engine needs the others. */
export function defaultWorkers(): number {
  return Math.max(1, Math.min(8, Math.floor(availableParallelism() / 2)));
}

/**
 * A pool of `workers` threads, each decoding and transforming; with 0, the work is done in this thread.
 *
 * @throws MaeError `CONFIG_INVALID` or `PLUGIN_INVALID` where the pipeline cannot be made
 */
export async function createSamplePool(spec: PipelineSpec, workers: number): Promise<SamplePool> {
  // Made here with worker threads too: a wrong option is then an error before the first batch.
  const pipeline = await createPipeline(spec);
  decodeManyAtOnce();
  if (workers === 0) {
    return poolOf(
      pipeline.numPartners,
      (jobs) => [jobs],
      (task) => runSampleJobs(pipeline, task),
      () => Promise.resolve(),
    );
  }
  const { Piscina } = await import('piscina');
  const pool = new Piscina({ filename: workerFile('sample-worker'), minThreads: workers, maxThreads: workers });
  return poolOf(
    pipeline.numPartners,
    (jobs) => inChunks(jobs, workers),
    async ({ jobs, memory }) => {
      const task: SampleTask = { pipeline: spec, jobs: jobs.map(detached), memory };
      return (await pool.run(task)) as SampleTaskResult;
    },
    () => pool.close(),
  );
}

type RunTask = (task: Pick<SampleTask, 'jobs' | 'memory'>) => Promise<SampleTaskResult>;

function poolOf(
  numPartners: number,
  split: (jobs: readonly SampleJob[]) => ReadonlyArray<readonly SampleJob[]>,
  runTask: RunTask,
  close: () => Promise<void>,
): SamplePool {
  const memory = createSampleMemory();
  const runPart = async (jobs: readonly SampleJob[]) => {
    const taken = memory.take();
    const { outcomes, bytes } = await runTask({ jobs, memory: taken });
    memory.note(bytes);
    return { outcomes, taken };
  };
  return {
    numPartners,
    async run(jobs) {
      const parts = await Promise.all(split(jobs).map(runPart));
      return {
        outcomes: parts.flatMap(({ outcomes }) => outcomes),
        memories: parts.flatMap(({ taken }) => taken ?? []),
      };
    },
    release: (memories) => memory.giveBack(memories),
    close,
  };
}

/** Small enough that all workers share a batch, large enough that messages cost little. */
function inChunks(jobs: readonly SampleJob[], workers: number): SampleJob[][] {
  const length = Math.max(1, Math.min(16, Math.ceil(jobs.length / (2 * workers))));
  return Array.from({ length: Math.ceil(jobs.length / length) }, (_, chunk) =>
    jobs.slice(chunk * length, (chunk + 1) * length),
  );
}

/** The job with pixels of its own: cloning a view would copy the whole array that it looks into. */
function detached(job: SampleJob): SampleJob {
  return { ...job, item: detachedItem(job.item), partners: job.partners.map(detachedItem) };
}

function detachedItem(item: Item): Item {
  const { image } = item;
  if (image.kind === 'file' || image.data.byteLength === image.data.buffer.byteLength) return item;
  return { ...item, image: { ...image, data: new Uint8Array(image.data) } };
}
