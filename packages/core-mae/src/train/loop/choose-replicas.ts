import type { Sample } from '../../contracts/dataset.js';
import { allocateOnHeap } from '../../nn/params.js';
import { createReplicatedStep, whyUnsplittable } from './replicated-step.js';
import { type Training, trainableShapes } from './training.js';
import type { BatchSource } from './training-data.js';
import { MaeError } from '../../base/errors.js';

/** Steps that are timed, after one to warm up. */
const TIMED_STEPS = 3;
/** The share of a step's time that further replicas must save to be chosen: less may be chance. */
const WORTHWHILE = 0.05;

/**
 * Into how many parts this training splits its batches: the number asked for, or for `auto` the fastest of one and of
 * the divisors of the engine's threads, measured on the first batch. Parameters and random streams stay as they are.
 *
 * @param now the time in milliseconds
 * @throws MaeError `CONFIG_INVALID` for a number that cannot be; `auto` is then 1
 */
export async function chooseReplicas(
  wanted: number | 'auto',
  training: Training,
  now: () => number = () => performance.now(),
): Promise<number> {
  const { objective, loop, data } = training;
  const { engine } = loop;
  const { batchSize } = data;
  const reasonAgainst = (replicas: number) => whyUnsplittable(objective, { engine, batchSize, replicas });
  if (wanted !== 'auto') {
    const reason = wanted === 1 ? undefined : reasonAgainst(wanted);
    if (reason !== undefined) throw new MaeError('CONFIG_INVALID', reason);
    return wanted;
  }
  const threads = engine.replication?.threads ?? 1;
  const candidates = Array.from({ length: threads - 1 }, (_, index) => index + 2).filter(
    (count) => threads % count === 0 && reasonAgainst(count) === undefined,
  );
  if (candidates.length === 0) return 1;
  const samples = await firstBatch(data.train);
  let best = { replicas: 1, milliseconds: await timeSteps(1, samples, training, now) };
  for (const replicas of candidates) {
    const milliseconds = await timeSteps(replicas, samples, training, now);
    if (milliseconds < best.milliseconds * (1 - WORTHWHILE)) best = { replicas, milliseconds };
  }
  return best.replicas;
}

/** The fastest of some steps, in milliseconds. Each number of replicas is measured alone and then leaves no memory behind. */
async function timeSteps(
  replicas: number,
  samples: readonly Sample[],
  { objective, state: { parameters }, loop: { engine, random }, data: { batchSize } }: Training,
  now: () => number,
): Promise<number> {
  const shapes = trainableShapes(objective);
  const gradients = allocateOnHeap(shapes);
  const step = await createReplicatedStep(objective, { engine, batchSize, replicas, gradients: Object.keys(shapes) });
  try {
    let fastest = Infinity;
    for (let index = 0; index <= TIMED_STEPS; index++) {
      const startedAt = now();
      await step.run(parameters, samples, { random: random.fork('batch', 0, 0), gradients });
      if (index > 0) fastest = Math.min(fastest, now() - startedAt);
    }
    return fastest;
  } finally {
    await step.dispose();
  }
}

async function firstBatch(source: BatchSource): Promise<readonly Sample[]> {
  for await (const samples of source.batches(0, 0)) return samples;
  return [];
}
