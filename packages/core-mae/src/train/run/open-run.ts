/*
 * train/run/: a training in a folder: opening it new or resumed (this file), its events in order (`run`), checkpoints,
 * trackers, reports, the description of the machine.
 * Not here: the step itself (`train/loop`), and what is trained: a run is given a `Training`.
 * Called by: `pretraining/open-run` and `finetuning/open-run`; commands follow its events.
 */

import type { DataReader } from '../../contracts/data-reader.js';
import { MaeError } from '../../base/errors.js';
import type { Engine } from '../../contracts/engine.js';
import { noRecorder } from '../../contracts/recorder.js';
import type { Tracker, TrackerFactory } from '../../contracts/tracker.js';
import type { BadImage } from '../../data/loading/bad-images.js';
import type { TrainingDataSummary } from '../inputs/describe-data.js';
import type { PictureReports } from '../inputs/load-training-data.js';
import type { OpenedPictures } from '../inputs/open-training-data.js';
import { describeCourse, learningRateAt, withEpochs } from '../../optim/schedule.js';
import type { TrainingMetadata } from '../inputs/training-metadata.js';
import { chooseReplicas } from '../loop/choose-replicas.js';
import { shortenEpochs } from '../loop/training-data.js';
import type { Training } from '../loop/training.js';
import { aboutRun, type RunDescription } from './about-run.js';
import { differencesOf } from './differences.js';
import { type BudgetPlan, fitBudget, secondsOfRun } from './fit-budget.js';
import { measureCosts } from './measure-costs.js';
import { closeTrackers, planTrackers, type PlannedTrackers } from './trackers.js';
import { describeEnvironment } from './environment.js';
import { beginEpochAnew, comparePictures } from './resume.js';
import { writePictureNames } from './picture-names-file.js';
import { runTraining } from './run.js';
import type { RunConfig, RunContext, RunEvent } from './run-context.js';
import { createRunFolder, discardRunFolder, exists, type RunFolder, writeRunConfig } from './run-folder.js';
import { lockRun, type RunLock } from './run-lock.js';
import { metricsGap } from '../../report/metrics/metrics-jsonl.js';
import { writeReports } from './write-reports.js';

/** A training in a run's folder. */
export interface Run {
  readonly numTrain: number;
  readonly numHeldOut: number;
  readonly numParameters: number;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  /** How long the run is going to take, as measured at its start; undefined where that was not asked for. */
  readonly seconds: number | undefined;
  /** The learning rate after the warm-up. */
  readonly lr: number;
  /** How the rate goes on, where the run is resumed to be of another length; undefined otherwise. */
  readonly extension: string | undefined;
  /** Steps done before, where the run is resumed. */
  readonly firstStep: number;
  badImages(): readonly BadImage[];
  /** Trains to the end, or until asked to stop. */
  events(): AsyncGenerator<RunEvent, void, void>;
}

/** What every run is opened with, besides its configuration. */
export interface RunOptions extends PictureReports {
  readonly engine: Engine;
  /** Planned by `planRunFolder`, or found by `findRunFolder` to be resumed. */
  readonly folder: RunFolder;
  /** Whether to resume from the folder's last checkpoint. */
  readonly resume: boolean;
  /** Whether a run that is resumed may have other pictures than it began with. Default false. */
  readonly allowChangedData?: boolean | undefined;
  /** Data readers to choose from; the core's own and those of plugins. */
  readonly readers: readonly DataReader[];
  /** The pictures, where they have been opened already as the configuration has it. Default: they are opened here. */
  readonly pictures?: OpenedPictures | undefined;
  /** When the work began that counts among its `minutes`, in milliseconds of `performance.now()`. Default: as it is opened. */
  readonly openedAt?: number | undefined;
  /** Where the run's numbers go: metrics.jsonl, results.csv, TensorBoard's events and those of plugins. */
  readonly trackers: readonly TrackerFactory[];
  /** Names and versions of the plugins that were loaded, for environment.json. Default: none. */
  readonly plugins?: readonly string[] | undefined;
  /** Whether some steps are measured at the start to say how long the run is going to take; with `minutes` they always are. */
  readonly estimate?: boolean | undefined;
  /** Called with what the data is made of, before anything is trained. */
  readonly reportData?: ((summary: TrainingDataSummary) => void) | undefined;
  /** Asked after every step: whether to save and end. */
  readonly shouldStop?: (() => boolean) | undefined;
}

/**
 * Opens a run in its folder: a new one writes its configuration and describes the machine; one that is resumed is
 * checked against its checkpoint, whose state the training has already. The training's threads are ended where it fails.
 *
 * @throws MaeError `DATA_INVALID` for other data than a resumed run's, `CONFIG_INVALID` or `WRITE_FAILED`
 */
export async function openRun(given: Training, about: RunDescription, context: RunContext): Promise<Run> {
  try {
    return await open(given, about, context);
  } catch (error) {
    await given.data.close();
    throw error;
  }
}

/**
 * Opens a run in its folder while no other process does, and gives the folder back where the run cannot start.
 *
 * @throws MaeError `RUN_INVALID` where another process trains there, and whatever `open` throws
 */
export async function inLockedFolder(
  { folder }: Pick<RunOptions, 'folder'>,
  open: (lock: RunLock) => Promise<Run>,
): Promise<Run> {
  const lock = lockRun(folder);
  try {
    return await open(lock);
  } catch (error) {
    lock.release();
    await discardRunFolder(folder);
    throw error;
  }
}

async function open(given: Training, about: RunDescription, { config: asked, ...where }: RunContext): Promise<Run> {
  const { folder, resumed } = where;
  const isChanged = resumed !== undefined && (await comparePictures(given, resumed, where));
  if (isChanged) beginEpochAnew(given.state);
  // Settled once and written into the configuration: a run that is resumed has the same.
  const replicas = await chooseReplicas(asked.replicas, given);
  requireLearnableBatch(given, replicas);
  const trackers = planTrackers(where.trackers, asked.trackers);
  const parallel = { ...given, loop: { ...given.loop, replicas } };
  const { training, config, seconds } = await planRun(parallel, { ...asked, replicas }, where);
  if (resumed === undefined)
    await createRunFolder(folder, config, describeEnvironment(given.loop.engine, where.plugins));
  // A run of an earlier version has no names yet, and its pictures have just been found to be the same.
  if (resumed === undefined || isChanged || !(await exists(folder.pictures))) {
    await writePictureNames(folder, given.data.pictureNames());
  }
  if (resumed !== undefined && differencesOf(resumed.config, config).length > 0) await writeRunConfig(folder, config);
  const { state, loop, data } = training;
  return {
    numTrain: data.pictures.train.count,
    numHeldOut: data.pictures.heldOut.count,
    numParameters: [...state.parameters.values()].reduce((sum, { data: values }) => sum + values.length, 0),
    stepsPerEpoch: Math.ceil(data.train.batchesPerEpoch / loop.accumIter),
    epochs: loop.schedule.epochs,
    seconds,
    lr: loop.schedule.lr,
    extension: resumed && extensionOf(training, resumed),
    firstStep: state.progress.step,
    badImages: () => data.badImages(),
    events: () => runEvents(training, about, trackers, { ...where, config }),
  };
}

/** What becomes of the learning rate where a run that is resumed is to be of another length than it was. */
function extensionOf({ loop: { schedule }, state }: Training, { config }: TrainingMetadata): string | undefined {
  const before = config.epochs;
  if (typeof before !== 'number' || before === schedule.epochs) return undefined;
  const { epoch } = state.progress;
  const [was, is] = [before, schedule.epochs].map((epochs) => learningRateAt(epoch, { ...schedule, epochs }));
  return (
    `${schedule.epochs} epochs instead of ${before}; the rate is ${describeCourse(schedule)}, ` +
    `so that it goes on at ${is!.toPrecision(2)} after epoch ${epoch} (it was at ${was!.toPrecision(2)})`
  );
}

/** @throws MaeError `CONFIG_INVALID` where a program's batch is too small to learn anything from */
function requireLearnableBatch({ objective, data }: Training, replicas: number): void {
  const { minBatchSize = 1 } = objective;
  const size = Math.floor(data.batchSize / replicas);
  if (size >= minBatchSize) return;
  const parts = replicas === 1 ? '' : `, a ${replicas}th of ${data.batchSize}`;
  throw new MaeError('CONFIG_INVALID', {
    what: `batch norm needs at least ${minBatchSize} pictures a batch, and gets ${size}${parts}`,
    where: data.name,
    fix:
      data.pictures.train.count < minBatchSize
        ? `there is ${data.pictures.train.count} picture to train on: add others`
        : `raise \`batchSize\` (--batch-size) to ${minBatchSize * replicas} or more`,
  });
}

/** Optimizer steps of the shortest run whose length is estimated first: of a shorter one, measuring is a large part. */
const WORTH_ESTIMATING = 50;

/**
 * The training with its length settled: that of its settings, or what fits into its minutes, which is then written into
 * its configuration so that a run that is resumed keeps it.
 */
async function planRun(
  given: Training,
  asked: RunConfig,
  { resumed, estimate, openedAt }: Omit<RunContext, 'config'>,
): Promise<{ training: Training; config: RunConfig; seconds: number | undefined }> {
  const training = shortened(given, asked);
  const fits = asked.minutes !== null && resumed === undefined;
  const { loop, data } = training;
  const numSteps = loop.schedule.epochs * Math.ceil(data.train.batchesPerEpoch / loop.accumIter);
  if (!fits && (!estimate || numSteps < WORTH_ESTIMATING)) return { training, config: asked, seconds: undefined };
  const { recorder = noRecorder } = training.loop.engine;
  const costs = await recorder.time('estimating', () => measureCosts(training, asked, openedAt));
  const stepsInData = Math.max(1, Math.floor(data.train.batchesPerEpoch / loop.accumIter));
  if (!fits) {
    return { training, config: asked, seconds: secondsOfRun(training, asked, costs, stepsInData) };
  }
  const plan = fitBudget(asked.minutes!, costs, stepsInData);
  const config = withPlan(asked, plan, stepsInData);
  const schedule = withEpochs(loop.schedule, plan.epochs);
  return { training: shortened({ ...given, loop: { ...loop, schedule } }, config), config, seconds: plan.seconds };
}

function withPlan(config: RunConfig, plan: BudgetPlan, stepsInData: number): RunConfig {
  return {
    ...config,
    epochs: plan.epochs,
    stepsPerEpoch: plan.stepsPerEpoch === stepsInData ? config.stepsPerEpoch : plan.stepsPerEpoch,
    evaluation: { ...config.evaluation, everyEpochs: plan.evaluateEvery },
    samples: { ...config.samples, everyEpochs: plan.drawEvery },
    checkpoint: { ...config.checkpoint, everyEpochs: plan.saveEvery },
  };
}

function shortened(training: Training, { stepsPerEpoch }: RunConfig): Training {
  if (stepsPerEpoch === null) return training;
  const { data, loop } = training;
  return { ...training, data: { ...data, train: shortenEpochs(data.train, stepsPerEpoch * loop.accumIter) } };
}

async function* runEvents(
  training: Training,
  about: RunDescription,
  planned: PlannedTrackers,
  context: RunContext,
): AsyncGenerator<RunEvent, void, void> {
  const { folder, lock, config, resumed } = context;
  const trackers: Tracker[] = [];
  const { recorder = noRecorder } = training.loop.engine;
  try {
    const gap = resumed && (await metricsGap(folder.metrics, resumed.progress.step, config.log.everySteps));
    for (const create of planned) {
      const tracker = await create({ name: folder.name, folder: folder.path, config });
      if (tracker === undefined) continue;
      trackers.push(tracker);
      if (resumed !== undefined) await tracker.resume?.(resumed.progress.step);
    }
    if (gap !== undefined) yield { kind: 'warning', message: gap };
    for await (const event of runTraining(training, trackers, context)) {
      if (event.kind === 'drawn' || event.kind === 'stopped' || event.kind === 'finished') {
        await recorder.time('reports', () => writeReports(folder, aboutRun(training, about, context)));
      }
      yield event;
    }
  } finally {
    try {
      await closeTrackers(trackers);
    } finally {
      await training.data.close();
      lock.release();
    }
  }
}
