import { move, transferableSymbol, valueSymbol } from 'piscina';
import { createPipeline, type Pipeline } from './pipeline.js';
import { buffersWithin, runSampleJobs, type SampleOutcome, type SampleTask } from './sample-jobs.js';
import { toTransferred } from '../transferred-error.js';

/** Made from the first task: a pool of workers serves one loader, whose pipeline never changes. */
let pipeline: Promise<Pipeline> | undefined;

/** A worker thread's part of a batch: its samples' outcomes, their arrays handed over without a copy. */
export default async function makeSamples(task: SampleTask): Promise<unknown> {
  pipeline ??= createPipeline(task.pipeline);
  const outcomes = await outcomesOf(pipeline, task);
  return move({
    [transferableSymbol]: buffersWithin(outcomes),
    [valueSymbol]: outcomes,
  });
}

async function outcomesOf(created: Promise<Pipeline>, task: SampleTask): Promise<SampleOutcome[]> {
  try {
    return await runSampleJobs(await created, task.jobs);
  } catch (error) {
    return task.jobs.map(() => ({ error: toTransferred(error) }));
  }
}
