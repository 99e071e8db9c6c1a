import { join } from 'node:path';
import { writeFileAtomically } from '../../base/atomic-write.js';
import type { Sample } from '../../contracts/dataset.js';
import type { PrimaryMetric } from '../../contracts/objective.js';
import { noRecorder } from '../../contracts/recorder.js';
import type { MetricsRecord, Tracker } from '../../contracts/tracker.js';
import type { EpochEnd } from '../inputs/training-metadata.js';
import { evaluate } from '../loop/evaluate.js';
import { evaluatedParameters, type StepRecord, train, type Training } from '../loop/training.js';
import type { RunContext, RunEvent } from './run-context.js';
import { createSaver, type Saver, withLastCheckpoint } from './saver.js';
import { type BaselineWatch, watchBaseline } from './watch-baseline.js';

/** The metric of a run without held-out data: the mean loss of an epoch's batches. */
const EPOCH_LOSS = 'epochLoss';

/**
 * Trains in a run's folder: logs, evaluates, draws, and saves so that a run stopped at any moment can be resumed.
 *
 * @throws MaeError `LOSS_NOT_FINITE` naming the last good checkpoint, `WRITE_FAILED`
 */
export async function* runTraining(
  training: Training,
  trackers: readonly Tracker[],
  context: RunContext,
): AsyncGenerator<RunEvent, void, void> {
  const { state, loop, data } = training;
  const { recorder = noRecorder } = loop.engine;
  const { folder, config, shouldStop, resumed } = context;
  const watch = watchBaseline(training.objective, loop.schedule.epochs);
  const run: OngoingRun = {
    training,
    trackers,
    context,
    watch,
    saver: createSaver(training, decidingMetric(training), context, () => watch.standing()),
    drawn: config.samples.count === 0 ? [] : await data.drawnSamples(config.samples.count),
  };
  const { saver } = run;
  if (state.progress.step === 0) yield await saver.save(null);
  if (resumed !== undefined && resumed.pendingEpoch !== null) yield* endEpoch(run, resumed.pendingEpoch);
  const steps = train(training);
  try {
    while (state.progress.epoch < loop.schedule.epochs && !saver.hasLostPatience(state.progress)) {
      const next = await steps.next().catch((error: unknown) => {
        throw withLastCheckpoint(error, folder.weights.last);
      });
      if (next.done === true) break;
      const record = next.value;
      if (record.step % config.log.everySteps === 0 || record.endsEpoch) {
        await recorder.time('logging', async () => {
          for (const tracker of trackers) await tracker.log(trainRecord(record));
        });
      }
      watch.step(record);
      yield { kind: 'step', record };
      if (record.endsEpoch) yield* endEpoch(run, record);
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

interface OngoingRun {
  readonly training: Training;
  readonly trackers: readonly Tracker[];
  readonly context: RunContext;
  readonly watch: BaselineWatch;
  readonly saver: Saver;
  /** Pictures to draw, through the evaluation transforms. */
  readonly drawn: readonly Sample[];
}

/**
 * Evaluates, draws and saves. The checkpoint comes last: should the process die before it, all of this is done again.
 * Where a stop cuts the evaluation short, the checkpoint says that it is still to be done.
 */
async function* endEpoch(run: OngoingRun, { epoch, step, epochLoss }: EpochEnd): AsyncGenerator<RunEvent, void, void> {
  const end = { epoch, step, epochLoss };
  const { training, saver, context } = run;
  const { heldOut } = training.data;
  if (heldOut !== undefined && !isDueAt(epoch, context.config.evaluation.everyEpochs, training)) {
    yield { kind: 'epoch', epoch, step, metrics: { [EPOCH_LOSS]: epochLoss } };
    yield* warnings(run, epoch, {});
    yield* drawEpoch(run, end);
    if (isSaved(run, end)) yield await saver.save(null);
    return;
  }
  const metrics = await measure(run, end);
  if (metrics === undefined) {
    yield await saver.save(end);
    return;
  }
  if (heldOut !== undefined) {
    for (const tracker of run.trackers) await tracker.log({ step, epoch, phase: 'val', values: metrics });
  }
  yield { kind: 'epoch', epoch, step, metrics };
  yield* warnings(run, epoch, metrics);
  yield* drawEpoch(run, end);
  yield* saver.saveBest(end, metrics);
  if (isSaved(run, end)) yield await saver.save(null);
}

function* warnings(
  { watch }: OngoingRun,
  epoch: number,
  metrics: Readonly<Record<string, number>>,
): Generator<RunEvent, void, void> {
  const message = watch.epochEnd(epoch, metrics);
  if (message !== undefined) yield { kind: 'warning', message };
}

/** Whether something that is done every so many epochs is due at the end of this one; at the last epoch's it always is. */
function isDueAt(epoch: number, everyEpochs: number, { loop }: Training): boolean {
  return epoch % everyEpochs === 0 || epoch === loop.schedule.epochs;
}

/** Whether an epoch's end is worth a checkpoint; a run that is asked to stop, or ends here, always saves. */
function isSaved({ training, saver, context: { config, shouldStop } }: OngoingRun, { epoch, step }: EpochEnd): boolean {
  const patient = (config.patience ?? null) !== null;
  return isDueAt(epoch, config.checkpoint.everyEpochs, training) || patient || saver.isDue(step) || shouldStop();
}

function trainRecord({ step, epoch, loss, lr, gradNorm, imagesPerSecond, terms }: StepRecord): MetricsRecord {
  return { step, epoch, phase: 'train', values: { loss, ...terms, lr, gradNorm, imagesPerSecond } };
}

/** The value that decides which weights are best: the objective's metric, or without held-out data the epoch's loss. */
function decidingMetric({ objective, data }: Training): PrimaryMetric {
  return data.heldOut === undefined ? { name: EPOCH_LOSS, better: 'lower' } : objective.primaryMetric;
}

async function measure(
  { training: { objective, state, loop, data }, context: { shouldStop } }: OngoingRun,
  { epochLoss }: EpochEnd,
): Promise<Readonly<Record<string, number>> | undefined> {
  if (data.heldOut === undefined) return { [EPOCH_LOSS]: epochLoss };
  const { heldOut } = data;
  const { engine, random } = loop;
  const { recorder = noRecorder } = engine;
  return recorder.time('evaluation', () =>
    evaluate(evaluatedParameters(state), {
      engine,
      objective,
      batchSize: heldOut.batchSize,
      batches: heldOut.batches(),
      random: random.fork('evaluate'),
      shouldStop,
    }),
  );
}

async function* drawEpoch(
  { training, drawn, trackers, context: { config, folder } }: OngoingRun,
  { epoch, step }: EpochEnd,
): AsyncGenerator<RunEvent, void, void> {
  const { objective, state, loop } = training;
  if (objective.draw === undefined || drawn.length === 0) return;
  const everyEpochs = config.samples.everyEpochs ?? Math.max(1, Math.floor(loop.schedule.epochs / 10));
  if (!isDueAt(epoch, everyEpochs, training)) return;
  const { engine, random } = loop;
  const parameters = evaluatedParameters(state);
  const { recorder = noRecorder } = engine;
  const drawings = await recorder.time('drawing', () =>
    objective.draw!({ engine, parameters, samples: drawn, random: random.fork('draw') }),
  );
  for (const { name, png } of drawings) {
    const path = join(folder.samples, `${name}-epoch-${String(epoch).padStart(4, '0')}.png`);
    await writeFileAtomically(path, png);
    for (const tracker of trackers) await tracker.logPicture?.({ step, name, png });
    yield { kind: 'drawn', path };
  }
}
