import { join, relative } from 'node:path';
import type { DirectoryRun, Engine, PretrainConfig, RunDirectory, RunEvent } from '@mae-tasks/core-mae';
import { Command, Option } from 'commander';
import { addTrainingOptions, type CommonFlags, commonOverrides, numberValue, wholeNumber } from '../common-options.js';
import type { Override } from '../config.js';
import { formatDuration } from '../duration.js';
import { formatCount } from '../format-number.js';
import { createProgress } from '../progress.js';
import { listenForStop } from '../stop-signals.js';
import { formatTable } from '../table.js';
import { createProcessTerminal, type Terminal } from '../terminal.js';

interface PretrainFlags extends CommonFlags {
  readonly val?: string;
  readonly valFraction?: number;
  readonly maskRatio?: number;
  readonly imageSize?: number;
  readonly patchSize?: number;
  readonly workers?: number;
  readonly onBadImage?: string;
}

export function pretrainCommand(): Command {
  return addTrainingOptions(new Command('pretrain'))
    .description('pretrain a masked autoencoder on a folder of pictures')
    .option('--val <path>', 'held-out pictures (default: the data’s own val folder)')
    .addOption(new Option('--val-fraction <number>', 'share of the pictures to hold out').argParser(numberValue))
    .addOption(new Option('--mask-ratio <number>', 'share of the patches to remove (0.75)').argParser(numberValue))
    .addOption(new Option('--image-size <pixels>', 'side of the pictures (224)').argParser(wholeNumber))
    .addOption(new Option('--patch-size <pixels>', 'side of a patch (16)').argParser(wholeNumber))
    .addOption(new Option('--workers <number>', 'threads that decode pictures').argParser(wholeNumber))
    .option('--on-bad-image <what>', 'skip or fail (skip)')
    .action(async (flags: PretrainFlags) => {
      await pretrain(flags);
    });
}

/** The settings that the flags of `pretrain` stand for. */
export function pretrainOverrides(flags: PretrainFlags): Override[] {
  return [
    ...commonOverrides(flags),
    ['data.val', flags.val],
    ['data.valFraction', flags.valFraction],
    ['maskRatio', flags.maskRatio],
    ['model.imageSize', flags.imageSize],
    ['model.patchSize', flags.patchSize],
    ['data.workers', flags.workers],
    ['data.onBadImage', flags.onBadImage],
  ];
}

async function pretrain(flags: PretrainFlags): Promise<void> {
  const terminal = createProcessTerminal({ json: flags.json === true });
  const core = await import('@mae-tasks/core-mae');
  const { config, directory } = await openRunFolder(flags);
  const engine = await core.createEngine({ device: config.device, threads: config.threads ?? undefined });
  const signals = listenForStop(() => {
    terminal.print('Stopping after this step and saving; once more stops at once.');
  });
  try {
    const run = await core.openPretrainRun({
      engine,
      config,
      directory,
      resume: flags.resume !== undefined,
      readers: core.dataReaders,
      shouldStop: () => signals.shouldStop(),
      reportBadImage: ({ error }) => {
        terminal.warn(`passed over: ${error.message}`);
      },
      reportWarning: (message) => {
        terminal.warn(message);
      },
    });
    introduce(terminal, run, { config, directory, engine });
    await follow(terminal, run, directory);
    process.exitCode = signals.exitCode();
  } finally {
    signals.release();
    await engine.dispose();
  }
}

/** The folder and configuration of a new run, or of the one to go on with. */
async function openRunFolder(flags: PretrainFlags): Promise<{ config: PretrainConfig; directory: RunDirectory }> {
  const core = await import('@mae-tasks/core-mae');
  const { parseAssignment, resolvePretrainConfig, withOverrides } = await import('../config.js');
  const overrides = [...pretrainOverrides(flags), ...(flags.set ?? []).map(parseAssignment)];
  if (flags.resume === undefined) {
    const config = await resolvePretrainConfig(flags.config, overrides);
    return { config, directory: await core.planRunDirectory(flags.out, 'pretrain') };
  }
  const place = typeof flags.resume === 'string' ? flags.resume : (flags.out ?? join('runs', 'pretrain'));
  const directory = await core.findRunDirectory(place);
  const saved = await core.readRunConfig(directory);
  const given = overrides.filter(([, value]) => value !== undefined);
  const fixed = given.find(([path]) => !CHANGEABLE.has(path));
  if (fixed !== undefined || flags.config !== undefined) {
    throw new core.MaeError('CONFIG_INVALID', {
      what: `a run that goes on keeps its settings, so ${fixed === undefined ? '--config' : `\`${fixed[0]}\``} cannot be given`,
      where: directory.path,
      fix: `only ${[...CHANGEABLE].join(', ')} may change; start a new run for anything else`,
    });
  }
  return { config: core.checkSettings(core.pretrainConfig, withOverrides(saved, given), directory.config), directory };
}

/** Settings that change how fast a run goes, and nothing of its results. */
const CHANGEABLE = new Set(['device', 'threads', 'data.workers', 'checkpoint.everySteps', 'checkpoint.everyMinutes']);

function introduce(
  terminal: Terminal,
  run: DirectoryRun,
  { config, directory, engine }: { config: PretrainConfig; directory: RunDirectory; engine: Engine },
): void {
  const about = {
    model: `${config.model.preset}, ${(run.numParameters / 1e6).toFixed(1)} M parameters`,
    data: `${config.data.path}: ${formatCount(run.numTrain)} pictures${
      run.numHeldOut > 0 ? `, ${formatCount(run.numHeldOut)} held out` : ''
    }`,
    plan: `${run.epochs} epochs of ${formatCount(run.stepsPerEpoch)} steps, peak learning rate ${run.lr.toPrecision(2)}`,
    engine: engine.description,
    run: shortPath(directory.path),
  };
  if (terminal.json) {
    terminal.record({ type: 'start', ...about, firstStep: run.firstStep, run: directory.path });
    return;
  }
  terminal.print(formatTable(Object.entries(about).map(([name, value]) => [terminal.colors.dim(name), value])));
  if (run.firstStep > 0) terminal.print(`Going on after step ${formatCount(run.firstStep)}.`);
}

async function follow(terminal: Terminal, run: DirectoryRun, directory: RunDirectory): Promise<void> {
  const startedAt = terminal.now();
  const totalSteps = run.epochs * run.stepsPerEpoch;
  const progress = createProgress({ terminal, totalEpochs: run.epochs, totalSteps });
  let last: RunEvent | undefined;
  let lastSheet: string | undefined;
  try {
    for await (const event of run.events()) {
      last = event;
      if (event.kind === 'step') {
        const { step, epoch, loss, lr, gradNorm, imagesPerSecond, terms } = event.record;
        progress.update({ step, epoch, phase: 'train', values: { loss, ...terms, lr, gradNorm, imagesPerSecond } });
      } else if (event.kind === 'epoch' && run.numHeldOut > 0) {
        const { epoch, step, metrics } = event;
        progress.update({ step, epoch, phase: 'val', values: metrics });
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
  terminal.record({
    type: finished ? 'finished' : 'stopped',
    run: directory.path,
    weights: directory.weights.last,
    badImages: badImages.length,
    seconds: (terminal.now() - startedAt) / 1000,
  });
  if (terminal.json) return;
  if (badImages.length > 0) {
    terminal.warn(
      `${badImages.length} broken ${badImages.length === 1 ? 'picture was' : 'pictures were'} passed over.`,
    );
  }
  const time = formatDuration((terminal.now() - startedAt) / 1000);
  terminal.print(finished ? terminal.colors.green(`Done in ${time}.`) : `Stopped after ${time}; everything is saved.`);
  terminal.print(
    formatTable(
      [
        ['weights', shortPath(directory.weights.last)],
        ...(lastSheet === undefined ? [] : [['pictures', shortPath(lastSheet)]]),
        ['curves', shortPath(directory.curves.png)],
        ['report', shortPath(directory.report)],
        finished
          ? ['next', `mae-tasks visualize --checkpoint ${shortPath(directory.path)} --data <pictures>`]
          : ['go on', `mae-tasks pretrain --resume ${shortPath(directory.path)}`],
      ],
      { indent: 2 },
    ),
  );
}

/** The path as a person would type it from here. */
function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') || short === '' ? path : short;
}
