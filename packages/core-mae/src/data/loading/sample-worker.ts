import { move, transferableSymbol, valueSymbol } from 'piscina';
import { createPipeline, type Pipeline } from '../transforms/pipeline.js';
import { buffersWithin, runSampleJobs, type SampleTask, type SampleTaskResult } from './sample-jobs.js';
import { toTransferred } from '../../base/transferred-error.js';

/** Made from the first task: a pool of workers serves one loader, whose pipeline never changes. */
let pipeline: Promise<Pipeline> | undefined;

/** A worker thread's part of a batch: its samples' outcomes, their arrays handed over without a copy. */
export default async function makeSamples(task: SampleTask): Promise<unknown> {
  pipeline ??= createPipeline(task.pipeline);
  const result = await resultOf(pipeline, task);
  return move({
    [transferableSymbol]: buffersWithin(result.outcomes),
    [valueSymbol]: result,
  });
}

async function resultOf(created: Promise<Pipeline>, task: SampleTask): Promise<SampleTaskResult> {
  try {
    return await runSampleJobs(await created, task);
  } catch (error) {
    return { outcomes: task.jobs.map(() => ({ error: toTransferred(error) })), bytes: 0 };
  }
}
