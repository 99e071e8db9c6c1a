import type { Engine } from '../../contracts/engine.js';
import type { Tracker } from '../../contracts/tracker.js';
import type { BadImage } from '../../data/loading/bad-images.js';
import { MaeError } from '../../base/errors.js';
import type { RunReport } from '../../report/pages/report-html.js';
import { chooseReplicas } from '../loop/choose-replicas.js';
import { describeEnvironment } from './environment.js';
import type { PreparedTraining } from './prepare-training.js';
import { createRunDirectory, type RunDirectory } from './run-directory.js';
import type { RunSettings } from '../settings/run-settings.js';
import { type RunEvent, runTraining } from './run.js';
import { loadTrainingState } from './training-checkpoint.js';
import type { TrainingMetadata } from '../inputs/training-metadata.js';
import { writeReports } from './write-reports.js';

/** A training in a run's folder. */
export interface DirectoryRun {
  readonly numTrain: number;
  readonly numHeldOut: number;
  readonly numParameters: number;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  /** The learning rate after the warm-up. */
  readonly lr: number;
  /** Steps done before, where the run goes on. */
  readonly firstStep: number;
  badImages(): readonly BadImage[];
  /** Trains to the end, or until asked to stop. */
  events(): AsyncGenerator<RunEvent, void, void>;
}

export interface DirectoryRunOptions {
  readonly engine: Engine;
  /** Planned by `planRunDirectory`, or found by `findRunDirectory` to go on with. */
  readonly directory: RunDirectory;
  /** Whether to go on from the folder's last checkpoint. */
  readonly resume: boolean;
  /** Where the run's numbers go: metrics.jsonl, results.csv, TensorBoard's events and those of plugins. */
  readonly trackers: readonly Tracker[];
  /** Asked after every step: whether to save and end. */
  readonly shouldStop?: () => boolean;
}

/** One run: its training, its settings, and what its report says of it. */
export interface PreparedRun {
  readonly prepared: PreparedTraining;
  readonly config: RunSettings & Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly numTrain: number;
  readonly numHeldOut: number;
  /** What the task needs to know of its data besides the configuration; part of every checkpoint. */
  readonly facts?: unknown;
  /** Epochs without a better value after which the run ends. */
  readonly patience?: number | null;
  about(): Pick<RunReport, 'title' | 'lead' | 'summary' | 'next'>;
}

/**
 * Opens a run in its folder: restores it where it goes on, describes the machine where it is new.
 *
 * @throws MaeError for a checkpoint that cannot be used
 */
export async function openDirectoryRun(run: PreparedRun, options: DirectoryRunOptions): Promise<DirectoryRun> {
  const { state } = run.prepared;
  const { directory, engine } = options;
  const { config, prepared } = await withReplicas(run);
  const { training } = prepared;
  let resumed: TrainingMetadata | undefined;
  if (options.resume) {
    resumed = await loadTrainingState(directory.weights.last, state);
    requireSameObjective(resumed.objective, training.objective.name, directory);
  } else {
    await createRunDirectory(directory, config, describeEnvironment(engine));
  }
  return {
    numTrain: run.numTrain,
    numHeldOut: run.numHeldOut,
    numParameters: [...state.parameters.values()].reduce((sum, { data: values }) => sum + values.length, 0),
    stepsPerEpoch: Math.ceil(training.batches.batchesPerEpoch / training.accumIter),
    epochs: training.schedule.epochs,
    lr: training.schedule.lr,
    firstStep: state.progress.step,
    badImages: () => run.prepared.badImages(),
    events: () => runEvents({ ...run, config, prepared }, resumed, options),
  };
}

/** The run with its number of replicas settled: written into its configuration, a run that goes on has the same. */
async function withReplicas({ prepared, config }: PreparedRun): Promise<Pick<PreparedRun, 'prepared' | 'config'>> {
  const { training, state } = prepared;
  try {
    const replicas = await chooseReplicas(config.replicas, training, state.parameters);
    return { config: { ...config, replicas }, prepared: { ...prepared, training: { ...training, replicas } } };
  } catch (error) {
    await prepared.close();
    throw error;
  }
}

async function* runEvents(
  run: PreparedRun,
  resumed: TrainingMetadata | undefined,
  { directory, trackers, shouldStop = () => false }: DirectoryRunOptions,
): AsyncGenerator<RunEvent, void, void> {
  const { prepared, config } = run;
  try {
    for (const tracker of trackers) {
      await tracker.open?.({ name: directory.name, directory: directory.path, config });
      if (resumed !== undefined) await tracker.resume?.(resumed.progress.step);
    }
    const { epochs } = prepared.training.schedule;
    const events = runTraining(prepared.state, {
      directory,
      seed: run.seed,
      config,
      facts: run.facts,
      training: prepared.training,
      trackers,
      validation: prepared.validation,
      evaluateEvery: config.evaluation.everyEpochs,
      drawn: config.samples.count === 0 ? [] : await prepared.drawnSamples(config.samples.count),
      drawEvery: config.samples.everyEpochs ?? Math.max(1, Math.floor(epochs / 10)),
      saveEveryEpochs: config.checkpoint.everyEpochs,
      saveEverySteps: config.checkpoint.everySteps,
      saveEveryMinutes: config.checkpoint.everyMinutes,
      logEverySteps: config.log.everySteps,
      patience: run.patience ?? null,
      shouldStop,
      best: resumed?.best ?? null,
      pendingEpoch: resumed?.pendingEpoch ?? null,
    });
    for await (const event of events) {
      if (event.kind === 'drawn' || event.kind === 'stopped' || event.kind === 'finished') {
        await writeReports(directory, run.about());
      }
      yield event;
    }
  } finally {
    for (const tracker of trackers) await tracker.close();
    await prepared.close();
  }
}

function requireSameObjective(saved: string, wanted: string, { path }: RunDirectory): void {
  if (saved === wanted) return;
  const commandOf = (objective: string): string => (objective === 'pretrain' ? 'pretrain' : `finetune ${objective}`);
  throw new MaeError('RUN_INVALID', {
    what: `this is a run of \`${commandOf(saved)}\`, not of \`${commandOf(wanted)}\``,
    where: path,
    fix: `resume it by: mae-tasks ${commandOf(saved)} --resume ${path}`,
  });
}
