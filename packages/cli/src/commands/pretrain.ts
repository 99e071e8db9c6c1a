/*
 * commands/: one command a file, thin: flags, a call of the library, what is printed. This one shows the way of all;
 * `data/` are those of `mae-tasks data`.
 * Not here: formatting (`terminal/`), settings (`settings/`), and anything worth a test of its own.
 * Called by: `program`, which lists them.
 */

import { shellWord } from '@mae-tasks/core-mae/find-plugins';
import { Command, Option } from 'commander';
import {
  addTrainingOptions,
  type CommonFlags,
  commonOverrides,
  type InspectionFlags,
  numberValue,
  wholeNumber,
} from '../settings/common-options.js';
import type { Override } from '../settings/config.js';
import { showTrainingData } from '../terminal/data-lines.js';
import { anewMessage, followRun, shortPath } from '../training/follow-run.js';
import { openRegistry } from '../plugins/open-registry.js';
import { withProfile } from '../training/profile-report.js';
import { listenForStop } from '../training/stop-signals.js';
import { fitRecipe } from '../settings/fit-recipe.js';
import { type EngineInspection, openEngine } from '../settings/open-engine.js';
import type { PretrainConfig, TrainingDataSummary } from '@mae-tasks/core-mae/run';
import { createProcessTerminal, type Terminal } from '../terminal/terminal.js';

export interface PretrainFlags extends CommonFlags {
  readonly val?: string;
  readonly valFraction?: number;
  readonly recipe?: string;
  readonly maskRatio?: number;
  readonly imageSize?: number;
  readonly patchSize?: number;
  readonly workers?: number;
  readonly onBadImage?: string;
}

export function pretrainCommand(): Command {
  return addPretrainOptions(addTrainingOptions(new Command('pretrain')))
    .description('pretrain a masked autoencoder on a folder of pictures')
    .action(async (flags: PretrainFlags & InspectionFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      await withProfile(terminal, { file: flags.profile, title: 'mae-tasks pretrain' }, (recorder) =>
        pretrain(terminal, flags, { recorder, debug: flags.debug }),
      );
    });
}

/** Adds the flags that stand for settings of `pretrain` alone. */
export function addPretrainOptions(command: Command): Command {
  return command
    .option('--val <path>', 'held-out pictures (default: the data’s own val folder)')
    .addOption(new Option('--val-fraction <number>', 'share of the pictures to hold out').argParser(numberValue))
    .addOption(new Option('--mask-ratio <number>', 'share of the patches to remove (0.75)').argParser(numberValue))
    .option('--recipe <name>', 'settings to start from: small-data or official (by the data)')
    .addOption(new Option('--image-size <pixels>', "side of the pictures (the recipe's)").argParser(wholeNumber))
    .addOption(new Option('--patch-size <pixels>', 'side of a patch (16)').argParser(wholeNumber))
    .addOption(new Option('--workers <number>', 'threads that decode pictures').argParser(wholeNumber))
    .option('--on-bad-image <what>', 'skip or fail (skip)');
}

/** The settings that the flags of `pretrain` stand for. */
export function pretrainOverrides(flags: PretrainFlags): Override[] {
  return [
    ...commonOverrides(flags),
    ['recipe', flags.recipe],
    ['data.val', flags.val],
    ['data.valFraction', flags.valFraction],
    ['maskRatio', flags.maskRatio],
    ['model.imageSize', flags.imageSize],
    ['model.patchSize', flags.patchSize],
    ['data.workers', flags.workers],
    ['data.onBadImage', flags.onBadImage],
  ];
}

async function pretrain(terminal: Terminal, flags: PretrainFlags, inspection: EngineInspection): Promise<void> {
  const { checkSettings, openPretrainRun, planRunFolder, pretrainConfig, resolvePretrainConfig } =
    await import('@mae-tasks/core-mae/run');
  const { givenSettings } = await import('../settings/run-folder.js');
  const { tree, where, resumed, restarted } = await givenSettings('pretrain', flags, pretrainOverrides(flags));
  const warn = (message: string): void => {
    terminal.warn(message);
  };
  const { plugins } = checkSettings(pretrainConfig, tree, where);
  const registry = await openRegistry({ named: plugins, trusted: flags.plugin ?? [], where, warn });
  const fit = fitRecipe(registry.readers, { labels: false });
  const config =
    resumed === undefined
      ? await resolvePretrainConfig(tree, where, fit.options)
      : checkSettings(pretrainConfig, tree, where);
  const engine = await openEngine(terminal, config, inspection);
  let known: TrainingDataSummary | undefined;
  const signals = listenForStop(() => {
    terminal.print('Stopping after this step and saving; once more stops at once.');
  });
  try {
    const folder = resumed ?? (await planRunFolder(restarted?.path ?? flags.out, 'pretrain'));
    if (restarted !== undefined) warn(anewMessage(restarted));
    const run = await openPretrainRun({
      engine,
      config,
      folder,
      resume: resumed !== undefined,
      allowChangedData: flags.allowChangedData === true,
      estimate: true,
      readers: registry.readers,
      pictures: fit.pictures,
      openedAt: fit.openedAt,
      trackers: registry.trackers,
      plugins: registry.plugins,
      shouldStop: () => signals.shouldStop(),
      reportData: (summary) => {
        showTrainingData(terminal, summary);
        known = summary;
      },
      reportBadImage: ({ error }) => {
        warn(`passed over: ${error.message}`);
      },
      reportWarning: warn,
    });
    await followRun(terminal, {
      run,
      folder,
      engine,
      model: describePretraining(config.model),
      recipe: fit.recipe,
      data: config.data.path,
      summary: known,
      command: 'pretrain',
      uses: 'last',
      next: `mae-tasks visualize --checkpoint ${shellWord(shortPath(folder.path))} --data <pictures>`,
    });
    process.exitCode = signals.exitCode();
  } finally {
    signals.release();
    await engine.dispose();
  }
}

function describePretraining({ preset, depth }: PretrainConfig['model']): string {
  const name = preset ?? 'tiny';
  return depth === undefined ? name : `${name} of ${depth} blocks`;
}
