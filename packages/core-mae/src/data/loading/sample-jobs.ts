import type { Item, Sample } from '../../contracts/dataset.js';
import type { AllocateFloats } from '../../contracts/transform.js';
import { createRandom } from '../../base/random.js';
import type { Pipeline, PipelineSpec } from '../transforms/pipeline.js';
import { allocateWithin } from './sample-memory.js';
import { toTransferred, type TransferredError } from '../../base/transferred-error.js';

/** One sample to be made, as plain data. */
export interface SampleJob {
  readonly item: Item;
  /** Seeds the sample's own random stream. */
  readonly seed: number;
  /** Other items, for a pipeline that composes. */
  readonly partners: readonly Item[];
  /** Share of the training that is done. */
  readonly progress: number;
}

/** What a worker thread is given at a time. */
export interface SampleTask {
  readonly pipeline: PipelineSpec;
  readonly jobs: readonly SampleJob[];
  /** For the samples' floats, as far as it reaches. */
  readonly memory?: SharedArrayBuffer | undefined;
}

/** What comes back. */
export interface SampleTaskResult {
  /** In the jobs' order. */
  readonly outcomes: readonly SampleOutcome[];
  /** Bytes of floats that the samples asked for. */
  readonly bytes: number;
}

export type SampleOutcome =
  { readonly sample: Sample; readonly warnings?: readonly string[] } | { readonly error: TransferredError };

/** Pictures decoded at the same time by one thread: while one decodes in the native pool, the other is transformed. */
const LANES = 2;

/** The outcomes of jobs, in their order; a failure is an outcome, so that one picture never loses the others. */
export async function runSampleJobs(
  pipeline: Pipeline,
  { jobs, memory }: Omit<SampleTask, 'pipeline'>,
): Promise<SampleTaskResult> {
  const { allocate, bytes } = allocateWithin(memory);
  const outcomes = new Array<SampleOutcome>(jobs.length);
  const queue = jobs.entries();
  const lane = async (): Promise<void> => {
    for (const [position, job] of queue) outcomes[position] = await runSampleJob(pipeline, job, allocate);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { outcomes, bytes: bytes() };
}

async function runSampleJob(
  pipeline: Pipeline,
  { item, seed, partners, progress }: SampleJob,
  allocate: AllocateFloats,
): Promise<SampleOutcome> {
  try {
    return await pipeline(item, createRandom(seed), { allocate, partners, progress });
  } catch (error) {
    return { error: toTransferred(error) };
  }
}

/** The array buffers within plain data, each once; those are handed to another thread, not copied. */
export function buffersWithin(value: unknown): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  collectBuffers(value, buffers);
  return [...buffers];
}

function collectBuffers(value: unknown, buffers: Set<ArrayBuffer>): void {
  if (typeof value !== 'object' || value === null) return;
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) buffers.add(value.buffer);
  } else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
    for (const entry of Object.values(value)) collectBuffers(entry, buffers);
  }
}
