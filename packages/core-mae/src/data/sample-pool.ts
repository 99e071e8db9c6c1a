import { availableParallelism } from 'node:os';
import type { Item } from '../contracts/dataset.js';
import { workerFile } from '../engine/worker-file.js';
import { decodeManyAtOnce } from './image.js';
import { createPipeline, type PipelineSpec } from './pipeline.js';
import { runSampleJobs, type SampleJob, type SampleOutcome } from './sample-jobs.js';

/** Makes samples, here or in worker threads. */
export interface SamplePool {
  /** The outcomes of jobs, in their order. Jobs handed in earlier are begun earlier. */
  run(jobs: readonly SampleJob[]): Promise<SampleOutcome[]>;
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
  if (workers === 0) return { run: (jobs) => runSampleJobs(pipeline, jobs), close: () => Promise.resolve() };
  const { Piscina } = await import('piscina');
  const pool = new Piscina({ filename: workerFile('sample-worker'), minThreads: workers, maxThreads: workers });
  const runChunk = async (jobs: readonly SampleJob[]): Promise<SampleOutcome[]> =>
    (await pool.run({ pipeline: spec, jobs: jobs.map(detached) })) as SampleOutcome[];
  return {
    async run(jobs) {
      const chunks = await Promise.all(inChunks(jobs, workers).map(runChunk));
      return chunks.flat();
    },
    close: () => pool.close(),
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
  const { image } = job.item;
  if (image.kind === 'file' || image.data.byteLength === image.data.buffer.byteLength) return job;
  const item: Item = { ...job.item, image: { ...image, data: new Uint8Array(image.data) } };
  return { ...job, item };
}
