/*
 * train/loop/: the training loop, the same for pretraining and every task: steps (this file), one pass over a batch,
 * replicas, evaluation. It yields a record a step and writes nothing.
 * Not here: files, folders and terminals: `train/run`; models: an objective brings its own.
 * Called by: `train/run`, and scripts through `pretrain`. ARCHITECTURE.md walks through one step.
 */

import type { Engine } from '../../contracts/engine.js';
import type { Sample } from '../../contracts/dataset.js';
import { noRecorder, timedIteration } from '../../contracts/recorder.js';
import type { Objective, TrainStep } from '../../contracts/objective.js';
import type { Random } from '../../contracts/random.js';
import type { ParameterTree, Shape } from '../../contracts/tensor.js';
import type { VectorKernels } from '../../engine/kernels/vector-kernels.js';
import { MaeError } from '../../base/errors.js';
import { type AllocateParameters, shapesOf, trainableNames } from '../../nn/params.js';
import { clipGradients, gradientNorm } from '../../optim/clip.js';
import { updateAverage } from '../../optim/ema.js';
import type { Optimizer, OptimizerState } from '../../optim/optimizer.js';
import type { ParameterGroups } from '../../optim/param-groups.js';
import { type LearningRateSchedule, learningRateAt } from '../../optim/schedule.js';
import { accumulationLength, type Progress } from './progress.js';
import { createReplicatedStep } from './replicated-step.js';
import { createTrainStep } from './steps.js';
import type { TrainingData } from './training-data.js';

/** Everything that training changes: what a checkpoint holds. */
export interface TrainingState {
  readonly parameters: ParameterTree;
  readonly optimizer: OptimizerState;
  /** Moving average of the trainable parameters, where one is kept. */
  readonly average: ParameterTree | undefined;
  progress: Progress;
}

/** The parameters that are evaluated, drawn and used: the moving average where one is kept. */
export function evaluatedParameters({ parameters, average }: TrainingState): ParameterTree {
  return average === undefined ? parameters : new Map([...parameters, ...average]);
}

/** What one optimizer step did. */
export interface StepRecord {
  /** Optimizer steps done so far, from 1. */
  readonly step: number;
  /** The epoch this step belongs to, from 1. */
  readonly epoch: number;
  /** The epoch as a number that grows within it: 0.5 after half of the first. */
  readonly epochProgress: number;
  /** Mean loss of the step's batches. */
  readonly loss: number;
  readonly lr: number;
  /** Norm of all gradients, before clipping. */
  readonly gradNorm: number;
  /** Further scalars that the objective's function gives. */
  readonly terms: Readonly<Record<string, number>>;
  /** Since the previous step, decoding included. */
  readonly imagesPerSecond: number;
  /** Mean loss of the epoch so far. */
  readonly epochLoss: number;
  /** Whether this step ends its epoch. */
  readonly endsEpoch: boolean;
}

/** How a training's loop works. */
export interface LoopOptions {
  readonly engine: Engine;
  readonly kernels: VectorKernels;
  readonly allocate: AllocateParameters;
  readonly optimizer: Optimizer;
  readonly groups: ParameterGroups;
  readonly schedule: LearningRateSchedule;
  /** Threads that each run an equal part of every batch. Default 1: the whole batch in one program. */
  readonly replicas?: number;
  readonly accumIter: number;
  readonly clipGrad: number | null;
  readonly ema: number | null;
  readonly random: Random;
}

/** What is trained, where it stands, how, and on what: ready to start, or to be resumed. */
export interface Training {
  readonly objective: Objective;
  readonly state: TrainingState;
  readonly loop: LoopOptions;
  readonly data: TrainingData;
}

/** Shapes of the parameters that are trained, by name. */
export function trainableShapes(objective: Objective): Readonly<Record<string, Shape>> {
  const shapes = shapesOf(objective.parameters);
  return Object.fromEntries(trainableNames(objective.parameters).map((name) => [name, shapes[name]!]));
}

/**
 * Trains from `state.progress` to the last epoch, one record an optimizer step. Between two records the state is
 * whole: it may be saved, and a run that is resumed from it equals one that was never stopped.
 *
 * @throws MaeError `LOSS_NOT_FINITE`, before the step that would spoil the parameters
 */
export async function* train(training: Training): AsyncGenerator<StepRecord, void, void> {
  const { objective, state, data } = training;
  const { engine, schedule, replicas = 1 } = training.loop;
  const shapes = trainableShapes(objective);
  const setting = { engine, batchSize: data.batchSize, gradients: Object.keys(shapes) };
  const pass =
    replicas === 1
      ? await createTrainStep(objective, setting)
      : await createReplicatedStep(objective, { ...setting, replicas });
  const step = createOptimizerStep(state, pass, shapes, training.loop);
  try {
    while (state.progress.epoch < schedule.epochs) {
      const { step: before } = state.progress;
      yield* trainEpoch(training, step);
      if (state.progress.step === before) throw placeBeyondData(training);
    }
  } finally {
    await pass.dispose();
  }
}

/** An epoch without a step: the place where training stopped lies behind the last batch that there is now. */
function placeBeyondData({ state: { progress }, data }: Training): MaeError {
  return new MaeError('DATA_INVALID', {
    what: `training stands at batch ${progress.batch + 1} of an epoch that has ${data.train.batchesPerEpoch}`,
    where: data.name,
    fix: 'bring the pictures back as they were, or start a new run',
  });
}

async function* trainEpoch(
  { state, data: { train: source, batchSize }, loop: { engine, accumIter, schedule } }: Training,
  step: OptimizerStep,
): AsyncGenerator<StepRecord, void, void> {
  const { batchesPerEpoch } = source;
  let pending: Array<readonly Sample[]> = [];
  let startedAt = performance.now();
  const batches = source.batches(state.progress.epoch, state.progress.batch, schedule.epochs);
  for await (const batch of timedIteration(engine.recorder, 'waiting for data', batches)) {
    pending.push(batch);
    const { progress } = state;
    if (pending.length < accumulationLength(progress.batch, batchesPerEpoch, accumIter)) continue;
    const lr = learningRateAt(progress.epoch + progress.batch / batchesPerEpoch, schedule);
    const { losses, terms, gradNorm } = await step(pending, lr);
    for (const done of pending) source.release?.(done);
    const batchesDone = progress.batch + pending.length;
    const endsEpoch = batchesDone >= batchesPerEpoch;
    const lossSum = losses.reduce((sum, loss) => sum + loss, progress.lossSum);
    const lossCount = progress.lossCount + losses.length;
    state.progress = endsEpoch
      ? { epoch: progress.epoch + 1, batch: 0, step: progress.step + 1, lossSum: 0, lossCount: 0 }
      : { epoch: progress.epoch, batch: batchesDone, step: progress.step + 1, lossSum, lossCount };
    const now = performance.now();
    yield {
      step: progress.step + 1,
      epoch: progress.epoch + 1,
      epochProgress: progress.epoch + batchesDone / batchesPerEpoch,
      loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
      lr,
      gradNorm,
      terms,
      imagesPerSecond: (pending.length * batchSize * 1000) / (now - startedAt),
      epochLoss: lossSum / lossCount,
      endsEpoch,
    };
    startedAt = performance.now();
    pending = [];
  }
}

type OptimizerStep = (
  batches: ReadonlyArray<readonly Sample[]>,
  lr: number,
) => Promise<{ losses: number[]; terms: Record<string, number>; gradNorm: number }>;

/** One optimizer step over one or more batches. */
function createOptimizerStep(
  state: TrainingState,
  pass: TrainStep,
  shapes: Readonly<Record<string, Shape>>,
  { engine, kernels, allocate, optimizer, groups, accumIter, clipGrad, ema, random }: LoopOptions,
): OptimizerStep {
  const gradients = allocate(shapes);
  const sums = accumIter > 1 ? allocate(shapes) : undefined;
  const { recorder = noRecorder } = engine;
  return async (batches, lr) => {
    const { epoch, batch: firstBatch, step } = state.progress;
    const losses: number[] = [];
    const terms: Record<string, number> = {};
    const total = batches.length === 1 ? gradients : sums!;
    if (batches.length > 1) for (const { data } of total.values()) data.fill(0);
    for (const [index, samples] of batches.entries()) {
      const stream = random.fork('batch', epoch, firstBatch + index);
      const { loss, ...others } = await recorder.time('forward and backward', () =>
        pass.run(state.parameters, samples, { random: stream, gradients }),
      );
      losses.push(loss ?? Number.NaN);
      for (const [name, value] of Object.entries(others)) terms[name] = (terms[name] ?? 0) + value / batches.length;
      if (batches.length > 1) {
        for (const [name, { data }] of gradients) kernels.accumulate(total.get(name)!.data, data, 1 / batches.length);
      }
    }
    const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
    const gradNorm = await recorder.time('optimizer', () => {
      const norm = gradientNorm(kernels, total);
      if (!Number.isFinite(loss) || !Number.isFinite(norm)) throw notFinite(loss, norm, step + 1, epoch + 1, lr);
      if (clipGrad !== null) clipGradients(kernels, total, norm, clipGrad);
      optimizer.update(state.parameters, total, state.optimizer, { step: step + 1, lr, groups });
      if (ema !== null) updateAverage(kernels, state.average!, state.parameters, ema);
      return norm;
    });
    return { losses, terms, gradNorm };
  };
}

function notFinite(loss: number, gradNorm: number, step: number, epoch: number, lr: number): MaeError {
  return new MaeError('LOSS_NOT_FINITE', {
    what: Number.isFinite(loss) ? `the gradients are not finite (norm ${gradNorm})` : `the loss is ${loss}`,
    where: `step ${step}, epoch ${epoch}, learning rate ${lr.toPrecision(3)}`,
    fix: 'lower `optimizer.blr`, lengthen `optimizer.warmupEpochs`, or set `optimizer.clipGrad`; --debug nan says where it begins',
  });
}
