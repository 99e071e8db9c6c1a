import { existsSync } from 'node:fs';
import { MaeError } from '../../base/errors.js';
import type { PrimaryMetric } from '../../contracts/objective.js';
import { noRecorder } from '../../contracts/recorder.js';
import type { EpochEnd, TrainingMetadata } from '../inputs/training-metadata.js';
import type { Progress } from '../loop/progress.js';
import { evaluatedParameters, type Training } from '../loop/training.js';
import type { RunContext, RunEvent } from './run-context.js';
import { saveTrainingState, saveWeights } from './training-checkpoint.js';

/**
 * Keeps a run's checkpoints: the last state, and the best weights. Values that are not finite are never written: the error
 * names the checkpoint before them.
 */
export interface Saver {
  isDue(step: number): boolean;
  /** Whether the best value lies longer ago than the run is patient for. */
  hasLostPatience(progress: Progress): boolean;
  save(pendingEpoch: EpochEnd | null): Promise<RunEvent>;
  saveBest(end: EpochEnd, metrics: Readonly<Record<string, number>>): AsyncGenerator<RunEvent, void, void>;
}

/**
 * @param deciding the metric that decides which weights are best
 * @param standing what the weights have not learned yet; kept in every checkpoint, for whoever uses them
 */
export function createSaver(
  { objective, state, loop, data }: Training,
  deciding: PrimaryMetric,
  { folder, config, facts, resumed }: RunContext,
  standing: () => string | undefined,
): Saver {
  const { last, best: bestPath } = folder.weights;
  const { recorder = noRecorder } = loop.engine;
  const { seed, patience = null, checkpoint } = config;
  const about = {
    objective: objective.name,
    seed,
    config: { ...config },
    data: data.pictures,
    ...(facts === undefined ? {} : { facts }),
  };
  const words = () => {
    const untrained = standing();
    return untrained === undefined ? about : { ...about, untrained };
  };
  const saving = (write: () => Promise<void>): Promise<void> =>
    recorder.time('saving', write).catch((error: unknown) => {
      throw withLastCheckpoint(error, last);
    });
  let best: TrainingMetadata['best'] = resumed?.best ?? null;
  let savedAt = performance.now();
  return {
    isDue: (step) =>
      (checkpoint.everySteps !== null && step % checkpoint.everySteps === 0) ||
      performance.now() - savedAt > checkpoint.everyMinutes * 60_000,
    hasLostPatience: ({ epoch, batch }) =>
      patience !== null && best !== null && batch === 0 && epoch - best.epoch >= patience,
    async save(pendingEpoch) {
      await saving(() => saveTrainingState(last, state, { ...words(), best, pendingEpoch }));
      savedAt = performance.now();
      return { kind: 'saved', path: last, best: false };
    },
    async *saveBest({ epoch, step }, metrics) {
      const { name, better } = deciding;
      const value = metrics[name]!;
      // NaN compares as neither better nor worse, and is not a number that a checkpoint could keep.
      if (!Number.isFinite(value)) return;
      if (best !== null && (better === 'lower' ? value >= best.value : value <= best.value)) return;
      const reached = { value, epoch, step };
      const metadata = { ...words(), best: reached, pendingEpoch: null, progress: state.progress };
      await saving(() => saveWeights(bestPath, evaluatedParameters(state), metadata));
      best = reached;
      yield { kind: 'saved', path: bestPath, best: true };
    },
  };
}

/** The error of a training that is no longer finite, with the checkpoint to go back to; any other error as it is. */
export function withLastCheckpoint(error: unknown, path: string): unknown {
  if (!(error instanceof MaeError) || error.code !== 'LOSS_NOT_FINITE') return error;
  const { code, what, where, fix, details } = error;
  const last = existsSync(path) ? `the last good checkpoint is ${path}` : 'there is no checkpoint from before';
  const rest =
    details.length > 0 ? { fix, details: [...details, last] } : { fix: fix === undefined ? last : `${fix} — ${last}` };
  return new MaeError(code, { what, where, ...rest, cause: error });
}
