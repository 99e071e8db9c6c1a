import type { ParameterTree } from '../../contracts/tensor.js';
import type { Sample } from '../../contracts/dataset.js';
import { allocateOnHeap } from '../../nn/params.js';
import { createReplicatedStep } from '../loop/replicated-step.js';
import { createForwardStep, createTrainStep } from '../loop/steps.js';
import type { BatchSource } from '../loop/training-data.js';
import { evaluatedParameters, type Training, trainableShapes } from '../loop/training.js';
import type { TrainingCosts } from './fit-budget.js';
import type { RunConfig } from './run-context.js';

/** Steps that are timed after some to warm up, while the loader fills its store, and the time after which fewer are enough. */
const WARM_UP_STEPS = 3;
const TIMED_STEPS = 16;
const ENOUGH_MS = 4000;
const TIMED_BATCHES = 3;
/** Bytes a second that a checkpoint is written with, flushed: a slow disk's. */
const WRITTEN_PER_SECOND = 100e6;
/** Laying out a sheet of samples, drawing curves and the page. */
const SHEET_SECONDS = 2.5;

/**
 * What the parts of this training cost, measured on its first batches as they come from its loader. Parameters, optimizer
 * and random streams stay as they are: steps run on copies.
 *
 * @param openedAt when the run began, in milliseconds of `performance.now()`
 */
export async function measureCosts(training: Training, config: RunConfig, openedAt: number): Promise<TrainingCosts> {
  const { state, data, objective } = training;
  const step = await timeSteps(training);
  const perBatch = data.heldOut === undefined ? undefined : await timeEvaluation(training);
  const numBatches = Math.ceil(data.pictures.heldOut.count / (data.heldOut?.batchSize ?? 1));
  const bytes = 4 * 3 * [...state.parameters.values()].reduce((sum, { data: values }) => sum + values.length, 0);
  const draws = objective.draw !== undefined && config.samples.count > 0;
  return {
    step,
    evaluation: perBatch === undefined ? 0 : perBatch.compile + perBatch.batch * numBatches,
    save: 0.05 + bytes / WRITTEN_PER_SECOND,
    draw: SHEET_SECONDS + (draws ? (perBatch?.compile ?? 1) + (perBatch?.batch ?? step) : 0),
    before: (performance.now() - openedAt) / 1000,
  };
}

/** Seconds of one optimizer step, waiting for pictures included: the mean of several, as a loader brings them in bursts. */
async function timeSteps({ objective, state, loop, data }: Training): Promise<number> {
  const { engine, random, optimizer, groups, replicas = 1, accumIter, schedule } = loop;
  const shapes = trainableShapes(objective);
  const gradients = allocateOnHeap(shapes);
  const parameters = copyOf(state.parameters);
  const moments = optimizer.createState(shapes, allocateOnHeap);
  const setting = { engine, batchSize: data.batchSize, gradients: Object.keys(shapes) };
  const pass =
    replicas === 1
      ? await createTrainStep(objective, setting)
      : await createReplicatedStep(objective, { ...setting, replicas });
  try {
    let startedAt = performance.now();
    let done = -WARM_UP_STEPS;
    for await (const samples of endlessBatches(data.train, schedule.epochs)) {
      await pass.run(parameters, samples, { random: random.fork('batch', 0, 0), gradients });
      optimizer.update(parameters, gradients, moments, { step: 1, lr: schedule.lr * 1e-6, groups });
      data.train.release?.(samples);
      done++;
      const elapsed = performance.now() - startedAt;
      // One that takes very long says enough, even with the time that the first one takes more.
      if (done <= 0 && elapsed < ENOUGH_MS) startedAt = performance.now();
      else if (done >= TIMED_STEPS || elapsed > ENOUGH_MS) break;
    }
    const timed = Math.max(1, done);
    return (accumIter * (performance.now() - startedAt)) / 1000 / timed;
  } finally {
    await pass.dispose();
  }
}

/** Batches of one epoch after another: those of a small data set are soon at an end. */
async function* endlessBatches(source: BatchSource, epochs: number): AsyncGenerator<readonly Sample[]> {
  for (let epoch = 0; ; epoch++) yield* source.batches(epoch, 0, epochs);
}

/** Seconds until an evaluation's program is ready, and of each batch. */
async function timeEvaluation({ objective, state, loop: { engine, random }, data }: Training) {
  const heldOut = data.heldOut!;
  const { batchSize } = heldOut;
  const parameters = evaluatedParameters(state);
  const { evaluation, parameters: specs } = objective;
  let startedAt = performance.now();
  const step = await createForwardStep(`${objective.name}.evaluate`, evaluation, specs, { engine, batchSize });
  try {
    const evaluator = objective.createEvaluator();
    let [compile, done] = [0, 0];
    for await (const samples of heldOut.batches()) {
      evaluator.update(await step.run(parameters, samples, random.fork('evaluate').fork('batch', done)), samples);
      if (done === 0) {
        compile = (performance.now() - startedAt) / 1000;
        startedAt = performance.now();
      }
      done++;
      if (done > TIMED_BATCHES || performance.now() - startedAt > ENOUGH_MS) break;
    }
    const batch = done > 1 ? (performance.now() - startedAt) / 1000 / (done - 1) : compile;
    return { compile, batch };
  } finally {
    step.dispose();
  }
}

function copyOf(tree: ParameterTree): ParameterTree {
  const shapes = Object.fromEntries([...tree].map(([name, { shape }]) => [name, shape]));
  const copy = allocateOnHeap(shapes);
  for (const [name, { data }] of tree) copy.get(name)!.data.set(data);
  return copy;
}
