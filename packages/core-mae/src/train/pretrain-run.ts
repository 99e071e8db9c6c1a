import type { DataReader } from '../contracts/data-reader.js';
import type { Engine } from '../contracts/engine.js';
import type { Tracker } from '../contracts/tracker.js';
import type { BadImage } from '../data/bad-images.js';
import { MaeError } from '../errors.js';
import { createMetricsJsonl } from '../report/metrics-jsonl.js';
import { createResultsCsv } from '../report/results-csv.js';
import { createTensorboard } from '../report/tensorboard.js';
import { describeEnvironment } from './environment.js';
import { openTrainingData } from './open-training-data.js';
import { preparePretraining, type Pretraining } from './prepare-pretraining.js';
import type { PretrainConfig } from './pretrain-config.js';
import { createRunDirectory, type RunDirectory } from './run-directory.js';
import { type RunEvent, runTraining } from './run.js';
import { loadTrainingState, type TrainingMetadata } from './training-checkpoint.js';
import { writeReports } from './write-reports.js';

export interface PretrainRunOptions {
  readonly engine: Engine;
  readonly config: PretrainConfig;
  /** Planned by `planRunDirectory`, or found by `findRunDirectory` to go on with. */
  readonly directory: RunDirectory;
  /** Whether to go on from the folder's last checkpoint. */
  readonly resume: boolean;
  /** Data readers to choose from; the core's own and those of plugins. */
  readonly readers: readonly DataReader[];
  /** Further trackers besides metrics.jsonl, results.csv and TensorBoard's events. */
  readonly trackers?: readonly Tracker[];
  /** Asked after every step: whether to save and end. */
  readonly shouldStop?: () => boolean;
  readonly reportBadImage?: (bad: BadImage) => void;
  readonly reportWarning?: (message: string) => void;
}

/** A pretraining in a run's folder. */
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

/**
 * Opens data and parameters for a pretraining in a folder.
 *
 * @throws MaeError for data, settings or a checkpoint that cannot be used
 */
export async function openPretrainRun(options: PretrainRunOptions): Promise<DirectoryRun> {
  const { engine, config, directory, readers, reportWarning } = options;
  const { train: data, heldOut, warnings } = await openTrainingData(config.data, readers, config.seed);
  for (const warning of warnings) reportWarning?.(warning);
  const prepared = await preparePretraining({
    engine,
    settings: config,
    reading: config.data,
    data,
    heldOut,
    reportBadImage: options.reportBadImage,
    reportWarning,
  });
  let resumed: TrainingMetadata | undefined;
  if (options.resume) {
    resumed = await loadTrainingState(directory.weights.last, prepared.state);
    requireSameObjective(resumed, directory);
  } else {
    await createRunDirectory(directory, config, describeEnvironment(engine));
  }
  const { batchesPerEpoch } = prepared.training.batches;
  return {
    numTrain: data.size,
    numHeldOut: heldOut?.size ?? 0,
    numParameters: [...prepared.state.parameters.values()].reduce((sum, { data: values }) => sum + values.length, 0),
    stepsPerEpoch: Math.ceil(batchesPerEpoch / config.accumIter),
    epochs: config.epochs,
    lr: prepared.training.schedule.lr,
    firstStep: prepared.state.progress.step,
    badImages: () => prepared.badImages(),
    events: () => runEvents(prepared, resumed, options),
  };
}

async function* runEvents(
  prepared: Pretraining,
  resumed: TrainingMetadata | undefined,
  options: PretrainRunOptions,
): AsyncGenerator<RunEvent, void, void> {
  const { config, directory, shouldStop = () => false } = options;
  const trackers = [...fileTrackers(config, directory), ...(options.trackers ?? [])];
  try {
    for (const tracker of trackers) {
      await tracker.open?.({ name: directory.name, directory: directory.path, config });
      if (resumed !== undefined) await tracker.resume?.(resumed.progress.step);
    }
    const events = runTraining(prepared.state, {
      directory,
      seed: config.seed,
      config,
      training: prepared.training,
      trackers,
      validation: prepared.validation,
      drawn: config.samples.count === 0 ? [] : await prepared.drawnSamples(config.samples.count),
      drawEvery: config.samples.everyEpochs ?? Math.max(1, Math.floor(config.epochs / 10)),
      saveEverySteps: config.checkpoint.everySteps,
      saveEveryMinutes: config.checkpoint.everyMinutes,
      logEverySteps: config.log.everySteps,
      shouldStop,
      best: resumed?.best ?? null,
      pendingEpoch: resumed?.pendingEpoch ?? null,
    });
    for await (const event of events) {
      if (event.kind === 'drawn' || event.kind === 'stopped' || event.kind === 'finished') {
        await writeReports(directory, aboutRun(prepared, options));
      }
      yield event;
    }
  } finally {
    for (const tracker of trackers) await tracker.close();
    await prepared.close();
  }
}

function fileTrackers({ log }: PretrainConfig, directory: RunDirectory): Tracker[] {
  return [
    createMetricsJsonl(directory.metrics),
    createResultsCsv({ path: directory.results, metricsPath: directory.metrics }),
    ...(log.tensorboard ? [createTensorboard({ directory: directory.events, now: () => Date.now() / 1000 })] : []),
  ];
}

function aboutRun({ state, training }: Pretraining, { config, directory }: PretrainRunOptions) {
  const { epoch, step } = state.progress;
  return {
    title: `Pretraining ${directory.name}`,
    lead: `A masked autoencoder (${config.model.preset}) on ${config.data.path}: ${epoch} of ${config.epochs} epochs.`,
    summary: [
      ['Epochs', `${epoch} of ${config.epochs}`],
      ['Steps', String(step)],
      ['Batch', `${training.batchSize}${config.accumIter > 1 ? ` × ${config.accumIter}` : ''}`],
      ['Peak learning rate', training.schedule.lr.toPrecision(3)],
      ['Masked', `${Math.round(config.maskRatio * 100)} %, ${config.maskStrategy}`],
      ['Seed', String(config.seed)],
    ] as const,
    next: [
      {
        purpose: 'See reconstructions of your own pictures',
        command: `mae-tasks visualize --checkpoint ${directory.path} --data <pictures>`,
      },
      ...(epoch < config.epochs
        ? [{ purpose: 'Go on', command: `mae-tasks pretrain --resume ${directory.path}` }]
        : []),
    ],
  };
}

function requireSameObjective({ objective }: TrainingMetadata, { path }: RunDirectory): void {
  if (objective === 'pretrain') return;
  throw new MaeError('RUN_INVALID', {
    what: `this is a run of \`finetune ${objective}\`, not of \`pretrain\``,
    where: path,
    fix: `resume it by: mae-tasks finetune ${objective} --resume ${path}`,
  });
}
