/*
 * training/: a run while it trains: what it is, its live line, where everything is at its end (this file), folds,
 * stopping by a signal, `--profile`.
 * Not here: the training: these are listeners of core's events.
 * Called by: `commands/pretrain` and `commands/finetune`.
 */

import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { shellWord } from '@mae-tasks/core-mae/find-plugins';
import type { Engine } from '@mae-tasks/core-mae';
import type { ChosenRecipe, Run, RunEvent, RunFolder, TrainingDataSummary } from '@mae-tasks/core-mae/run';
import { formatDuration, formatRoughly } from '../terminal/duration.js';
import { formatCount, formatMetric } from '../terminal/format-number.js';
import { createProgress } from './progress.js';
import { formatTable } from '../terminal/table.js';
import type { Terminal } from '../terminal/terminal.js';
import { looking } from '../terminal/text.js';

/** A run that is shown while it trains. */
export interface FollowedRun {
  readonly run: Run;
  readonly folder: RunFolder;
  readonly engine: Engine;
  /** The model in a few words. */
  readonly model: string;
  /** What a new run's settings started from; undefined where it had no recipe. */
  readonly recipe: ChosenRecipe | undefined;
  /** Where the pictures are. */
  readonly data: string;
  /** What they are, for programs. */
  readonly summary: TrainingDataSummary | undefined;
  /** `pretrain`, `finetune classify`: what resumes the run. */
  readonly command: string;
  /** Which weights later commands take where they are given the run and have the choice. */
  readonly uses: 'best' | 'last';
  /** What to type when it is done. */
  readonly next: string;
}

/** What came of a run. */
export interface FollowedEnd {
  readonly finished: boolean;
  /** The metrics of the last evaluation. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Shows what a run is, how it fares, and where everything is at its end. */
export async function followRun(terminal: Terminal, followed: FollowedRun): Promise<FollowedEnd> {
  introduce(terminal, followed);
  const { run, folder } = followed;
  const startedAt = terminal.now();
  const totalSteps = run.epochs * run.stepsPerEpoch;
  const progress = createProgress({ terminal, totalEpochs: run.epochs, totalSteps });
  let last: RunEvent | undefined;
  let lastSheet: string | undefined;
  let metrics: Readonly<Record<string, number>> = {};
  try {
    for await (const event of run.events()) {
      last = event;
      if (event.kind === 'step') {
        const { step, epoch, loss, lr, gradNorm, imagesPerSecond, terms } = event.record;
        progress.update({ step, epoch, phase: 'train', values: { loss, ...terms, lr, gradNorm, imagesPerSecond } });
      } else if (event.kind === 'epoch') {
        metrics = event.metrics;
        const { epoch, step } = event;
        if (run.numHeldOut > 0) progress.update({ step, epoch, phase: 'val', values: metrics });
      } else if (event.kind === 'warning') {
        terminal.warn(event.message);
      } else if (event.kind === 'drawn') {
        lastSheet = event.path;
        terminal.record({ type: 'sample', path: event.path });
      } else if (event.kind === 'saved') {
        terminal.record({ type: 'checkpoint', path: event.path, best: event.best });
      }
    }
  } finally {
    progress.finish();
  }
  const finished = last?.kind === 'finished';
  const badImages = run.badImages();
  const seconds = (terminal.now() - startedAt) / 1000;
  terminal.record({
    type: finished ? 'finished' : 'stopped',
    run: folder.path,
    weights: folder.weights.last,
    used: usedWeights(followed),
    metrics,
    badImages: badImages.length,
    seconds,
  });
  if (badImages.length > 0) {
    terminal.warn(
      `${badImages.length} broken ${badImages.length === 1 ? 'picture was' : 'pictures were'} passed over.`,
    );
  }
  const time = formatDuration(seconds);
  terminal.print(finished ? looking('green', `Done in ${time}.`) : `Stopped after ${time}; everything is saved.`);
  const result = Object.entries(metrics).map(([name, value]) => `${name} ${formatMetric(value)}`);
  terminal.print(
    ...formatTable(
      [
        ...(result.length === 0 ? [] : [['result', result.join(', ')]]),
        ['weights', describeWeights(followed)],
        ...(lastSheet === undefined ? [] : [['pictures', shortPath(lastSheet)]]),
        ['curves', shortPath(folder.curves.png)],
        ['report', shortPath(folder.report)],
        finished
          ? ['next', followed.next]
          : ['resume', `mae-tasks ${followed.command} --resume ${shellWord(shortPath(folder.path))}`],
      ],
      { indent: 2 },
    ),
  );
  return { finished, metrics };
}

/** The weights that later commands take where they are given the run. */
function usedWeights({ folder: { weights }, uses }: FollowedRun): string {
  return uses === 'best' && existsSync(weights.best) ? weights.best : weights.last;
}

function describeWeights(followed: FollowedRun): string {
  const { last, best } = followed.folder.weights;
  if (!existsSync(best)) return shortPath(last);
  const used = usedWeights(followed);
  return used === best
    ? `${shortPath(best)} (the best: used from here on; the last are beside it)`
    : `${shortPath(last)} (the last: used from here on; the best are beside it)`;
}

function introduce(terminal: Terminal, { run, folder, engine, model, recipe, data, summary }: FollowedRun): void {
  const about = {
    model: `${model}, ${(run.numParameters / 1e6).toFixed(1)} M parameters`,
    ...(recipe === undefined
      ? {}
      : { recipe: recipe.because === undefined ? recipe.name : `${recipe.name}: ${recipe.because}` }),
    data: `${data}: ${formatCount(run.numTrain)} pictures${
      run.numHeldOut > 0 ? `, ${formatCount(run.numHeldOut)} held out` : ''
    }`,
    plan: `${run.epochs} epochs of ${formatCount(run.stepsPerEpoch)} steps${
      run.seconds === undefined ? '' : `, about ${formatRoughly(run.seconds)}`
    }, peak learning rate ${run.lr.toPrecision(2)}`,
    engine: engine.description,
    run: shortPath(folder.path),
  };
  if (terminal.json) {
    terminal.record({ type: 'start', ...about, ...summary, firstStep: run.firstStep, run: folder.path });
    return;
  }
  terminal.print(...formatTable(Object.entries(about).map(([name, value]) => [looking('dim', name), value])));
  if (run.firstStep > 0) terminal.print(`Resumed after step ${formatCount(run.firstStep)}.`);
  if (run.extension !== undefined) terminal.print(`Now of another length: ${run.extension}.`);
}

/** Of a run that is resumed and has nothing to go on from. */
export function anewMessage({ path }: RunFolder): string {
  return `the run in ${shortPath(path)} was ended before its first checkpoint: it begins anew, with its own settings.`;
}

/** The path as a person would type it from here. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') || short === '' ? path : short;
}
