import { join } from 'node:path';
import { writeFileAtomically } from '../../base/atomic-write.js';
import type { Sample } from '../../contracts/dataset.js';
import type { PrimaryMetric } from '../../contracts/objective.js';
import type { MetricsRecord, Tracker } from '../../contracts/tracker.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { MaeError } from '../../base/errors.js';
import { evaluate } from '../loop/evaluate.js';
import type { Progress } from '../loop/progress.js';
import type { RunDirectory } from './run-directory.js';
import { saveTrainingState, saveWeights } from './training-checkpoint.js';
import type { EpochEnd, TrainingMetadata } from '../inputs/training-metadata.js';
import { type StepRecord, train, type TrainingOptions, type TrainingState } from '../loop/training.js';

/** The metric of a run without held-out data: the mean loss of an epoch's batches. */
const EPOCH_LOSS = 'epochLoss';

/** What happens in a run, in order, for whoever shows it. */
export type RunEvent =
  | { readonly kind: 'step'; readonly record: StepRecord }
  | {
      readonly kind: 'epoch';
      readonly epoch: number;
      readonly step: number;
      readonly metrics: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'saved'; readonly path: string; readonly best: boolean }
  | { readonly kind: 'drawn'; readonly path: string }
  | { readonly kind: 'stopped'; readonly step: number }
  | { readonly kind: 'finished'; readonly step: number };

export interface RunOptions {
  readonly directory: RunDirectory;
  readonly seed: number;
  readonly config: Readonly<Record<string, unknown>>;
  /** What the task needs to know of its data besides the configuration; part of every checkpoint. */
  readonly facts?: unknown;
  readonly training: TrainingOptions;
  readonly trackers: readonly Tracker[];
  /** The held-out data in order; absent, the loss of training decides which weights are best. */
  readonly validation?: { readonly batchSize: number; batches(): AsyncIterable<readonly Sample[]> } | undefined;
  /** Epochs between evaluations on the held-out data; the last epoch is always evaluated. */
  readonly evaluateEvery: number;
  /** Pictures to draw, through the evaluation transforms. */
  readonly drawn: readonly Sample[];
  /** Epochs between drawings; the last epoch is always drawn. */
  readonly drawEvery: number;
  /** Epochs between checkpoints at an epoch's end; the last is always saved. */
  readonly saveEveryEpochs: number;
  /** Steps between checkpoints within an epoch. */
  readonly saveEverySteps: number | null;
  readonly saveEveryMinutes: number;
  readonly logEverySteps: number;
  /** Epochs without a better value after which the run ends; null trains to the last epoch. */
  readonly patience: number | null;
  /** Asked after every step and every batch of an evaluation. */
  readonly shouldStop: () => boolean;
  /** The best value so far of a run that goes on. */
  readonly best: TrainingMetadata['best'];
  /** An epoch that was stopped before its evaluation. */
  readonly pendingEpoch: EpochEnd | null;
}

/**
 * Trains in a run's folder: logs, evaluates, draws, and saves so that a run stopped at any moment can go on.
 *
 * @throws MaeError `LOSS_NOT_FINITE` naming the last good checkpoint, `WRITE_FAILED`
 */
export async function* runTraining(state: TrainingState, options: RunOptions): AsyncGenerator<RunEvent, void, void> {
  const { directory, training, trackers, shouldStop } = options;
  const saver = createSaver(state, options);
  if (state.progress.step === 0) yield await saver.save(null);
  if (options.pendingEpoch !== null) yield* endEpoch(state, options.pendingEpoch, saver, options);
  const steps = train(state, training);
  try {
    while (state.progress.epoch < training.schedule.epochs && !saver.hasLostPatience(state.progress)) {
      const next = await steps.next().catch((error: unknown) => {
        throw withLastCheckpoint(error, directory.weights.last);
      });
      if (next.done === true) break;
      const record = next.value;
      if (record.step % options.logEverySteps === 0 || record.endsEpoch) {
        for (const tracker of trackers) await tracker.log(trainRecord(record));
      }
      yield { kind: 'step', record };
      if (record.endsEpoch) yield* endEpoch(state, record, saver, options);
      else if (saver.isDue(record.step) || shouldStop()) yield await saver.save(null);
      if (shouldStop()) {
        yield { kind: 'stopped', step: record.step };
        return;
      }
    }
  } finally {
    await steps.return();
  }
  yield { kind: 'finished', step: state.progress.step };
}

/**
 * Evaluates, draws and saves. The checkpoint comes last: should the process die before it, all of this is done again.
 * Where a stop cuts the evaluation short, the checkpoint says that it is still to be done.
 */
async function* endEpoch(
  state: TrainingState,
  { epoch, step, epochLoss }: EpochEnd,
  saver: Saver,
  options: RunOptions,
): AsyncGenerator<RunEvent, void, void> {
  const end = { epoch, step, epochLoss };
  const { validation, evaluateEvery, training } = options;
  if (validation !== undefined && epoch % evaluateEvery !== 0 && epoch !== training.schedule.epochs) {
    yield { kind: 'epoch', epoch, step, metrics: { [EPOCH_LOSS]: epochLoss } };
    yield* drawEpoch(state, end, options);
    if (isSaved(end, saver, options)) yield await saver.save(null);
    return;
  }
  const metrics = await measure(state, end, options);
  if (metrics === undefined) {
    yield await saver.save(end);
    return;
  }
  if (validation !== undefined) {
    for (const tracker of options.trackers) await tracker.log({ step, epoch, phase: 'val', values: metrics });
  }
  yield { kind: 'epoch', epoch, step, metrics };
  yield* drawEpoch(state, end, options);
  yield* saver.saveBest(end, metrics);
  if (isSaved(end, saver, options)) yield await saver.save(null);
}

/** Whether an epoch's end is worth a checkpoint; a run that is asked to stop, or ends here, always saves. */
function isSaved(
  { epoch, step }: EpochEnd,
  saver: Saver,
  { saveEveryEpochs, training, patience, shouldStop }: RunOptions,
): boolean {
  const due = epoch % saveEveryEpochs === 0 || epoch === training.schedule.epochs || patience !== null;
  return due || saver.isDue(step) || shouldStop();
}

function trainRecord({ step, epoch, loss, lr, gradNorm, imagesPerSecond, terms }: StepRecord): MetricsRecord {
  return { step, epoch, phase: 'train', values: { loss, ...terms, lr, gradNorm, imagesPerSecond } };
}

/** The value that decides which weights are best: the objective's metric, or without held-out data the epoch's loss. */
function deciding({ validation, training }: RunOptions): PrimaryMetric {
  return validation === undefined ? { name: EPOCH_LOSS, better: 'lower' } : training.objective.primaryMetric;
}

/** The parameters that are evaluated and drawn: the moving average where one is kept. */
export function evaluatedParameters({ parameters, average }: TrainingState): ParameterTree {
  return average === undefined ? parameters : new Map([...parameters, ...average]);
}

async function measure(
  state: TrainingState,
  { epochLoss }: EpochEnd,
  { training, validation, shouldStop }: RunOptions,
): Promise<Readonly<Record<string, number>> | undefined> {
  if (validation === undefined) return { [EPOCH_LOSS]: epochLoss };
  return evaluate(evaluatedParameters(state), {
    engine: training.engine,
    objective: training.objective,
    batchSize: validation.batchSize,
    batches: validation.batches(),
    random: training.random.fork('evaluate'),
    shouldStop,
  });
}

interface Saver {
  isDue(step: number): boolean;
  /** Whether the best value lies longer ago than the run is patient for. */
  hasLostPatience(progress: Progress): boolean;
  save(pendingEpoch: EpochEnd | null): Promise<RunEvent>;
  saveBest(end: EpochEnd, metrics: Readonly<Record<string, number>>): AsyncGenerator<RunEvent, void, void>;
}

function createSaver(state: TrainingState, options: RunOptions): Saver {
  const { directory, training, seed, config, facts, patience, saveEverySteps, saveEveryMinutes } = options;
  const { objective } = training;
  const about = { objective: objective.name, seed, config: { ...config }, ...(facts === undefined ? {} : { facts }) };
  let { best } = options;
  let savedAt = performance.now();
  return {
    isDue: (step) =>
      (saveEverySteps !== null && step % saveEverySteps === 0) ||
      performance.now() - savedAt > saveEveryMinutes * 60_000,
    hasLostPatience: ({ epoch, batch }) =>
      patience !== null && best !== null && batch === 0 && epoch - best.epoch >= patience,
    async save(pendingEpoch) {
      await saveTrainingState(directory.weights.last, state, { ...about, best, pendingEpoch });
      savedAt = performance.now();
      return { kind: 'saved', path: directory.weights.last, best: false };
    },
    async *saveBest({ epoch, step }, metrics) {
      const { name, better } = deciding(options);
      const value = metrics[name]!;
      if (best !== null && (better === 'lower' ? value >= best.value : value <= best.value)) return;
      best = { value, epoch, step };
      await saveWeights(directory.weights.best, evaluatedParameters(state), {
        ...about,
        best,
        pendingEpoch: null,
        progress: state.progress,
      });
      yield { kind: 'saved', path: directory.weights.best, best: true };
    },
  };
}

async function* drawEpoch(
  state: TrainingState,
  { epoch, step }: EpochEnd,
  { training, trackers, drawn, drawEvery, directory }: RunOptions,
): AsyncGenerator<RunEvent, void, void> {
  const { objective, engine, random, schedule } = training;
  if (objective.draw === undefined || drawn.length === 0) return;
  if (epoch % drawEvery !== 0 && epoch !== schedule.epochs) return;
  const parameters = evaluatedParameters(state);
  const drawings = await objective.draw({ engine, parameters, samples: drawn, random: random.fork('draw') });
  for (const { name, png } of drawings) {
    const path = join(directory.samples, `${name}-epoch-${String(epoch).padStart(4, '0')}.png`);
    await writeFileAtomically(path, png);
    for (const tracker of trackers) await tracker.logPicture?.({ step, name, png });
    yield { kind: 'drawn', path };
  }
}

function withLastCheckpoint(error: unknown, path: string): unknown {
  if (!(error instanceof MaeError) || error.code !== 'LOSS_NOT_FINITE') return error;
  return new MaeError(error.code, {
    what: error.message,
    fix: `the last good checkpoint is ${path}`,
    cause: error,
  });
}
