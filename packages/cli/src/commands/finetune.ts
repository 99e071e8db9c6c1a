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
import { crossValidate } from '../training/cross-validate.js';
import { openRegistryFor } from '../plugins/open-registry.js';
import { taskOverrides } from '../plugins/task-flags.js';
import { withProfile } from '../training/profile-report.js';
import { listenForStop } from '../training/stop-signals.js';
import { fitRecipe } from '../settings/fit-recipe.js';
import { type EngineInspection, openEngine } from '../settings/open-engine.js';
import { createProcessTerminal, type Terminal } from '../terminal/terminal.js';
import type { Registry } from '@mae-tasks/core-mae';
import type {
  ChosenRecipe,
  FinetuneConfig,
  OpenedPictures,
  RunFolder,
  TrainingDataSummary,
} from '@mae-tasks/core-mae/run';
import type { Task } from '@mae-tasks/core-mae/task';

export interface FinetuneFlags extends CommonFlags {
  readonly checkpoint?: string;
  readonly mode?: string;
  readonly blocks?: number;
  readonly recipe?: string;
  readonly val?: string;
  readonly valFraction?: number;
  readonly imageSize?: number;
  readonly patience?: number;
  readonly folds?: number;
  readonly workers?: number;
  readonly onBadImage?: string;
}

export function finetuneCommand(): Command {
  return addFinetuneOptions(
    addTrainingOptions(new Command('finetune').argument('<task>', 'what to learn (see: mae-tasks plugins)')),
  )
    .description('fine-tune a pretrained encoder for a task')
    .addHelpText(
      'after',
      '\nExample:\n  mae-tasks finetune classify --data photos/ --checkpoint runs/pretrain/latest --val-fraction 0.2',
    )
    .action(async (task: string, flags: FinetuneFlags & InspectionFlags, command: Command) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const overrides = [...finetuneOverrides(flags), ...(await taskOverrides(command))];
      await withProfile(terminal, { file: flags.profile, title: `mae-tasks finetune ${task}` }, (recorder) =>
        finetune(terminal, { task, flags, overrides }, { recorder, debug: flags.debug }),
      );
    });
}

/** Adds the flags that stand for settings of `finetune` alone. */
export function addFinetuneOptions(command: Command): Command {
  return command
    .option('--checkpoint <path>', 'a run or checkpoint to start from (default: random weights)')
    .option('--mode <mode>', 'full, partial or linear-probe (full)')
    .addOption(new Option('--blocks <number>', 'with partial: how many of the last blocks').argParser(numberValue))
    .option(
      '--recipe <name>',
      'settings to start from; official: the published ones (by the data; see: mae-tasks plugins --recipes)',
    )
    .option('--val <path>', 'held-out data (default: the data’s own val split)')
    .addOption(new Option('--val-fraction <number>', 'share of the data to hold out').argParser(numberValue))
    .addOption(
      new Option('--folds <number>', 'cross-validate: that many runs, each holding another part out').argParser(
        wholeNumber,
      ),
    )
    .addOption(
      new Option('--image-size <pixels>', "side of the pictures (the recipe's, or the checkpoint's)").argParser(
        wholeNumber,
      ),
    )
    .addOption(new Option('--patience <epochs>', 'end after that many without a better value').argParser(wholeNumber))
    .addOption(new Option('--workers <number>', 'threads that decode pictures').argParser(wholeNumber))
    .option('--on-bad-image <what>', 'skip or fail (skip)');
}

/** The settings that the flags of `finetune` stand for. */
export function finetuneOverrides(flags: FinetuneFlags): Override[] {
  return [
    ...commonOverrides(flags),
    ['pretrained', flags.checkpoint],
    ['mode', flags.mode],
    ['blocks', flags.blocks],
    ['recipe', flags.recipe],
    ['data.val', flags.val],
    ['data.valFraction', flags.valFraction],
    ['data.folds', flags.folds],
    ['model.imageSize', flags.imageSize],
    ['patience', flags.patience],
    ['data.workers', flags.workers],
    ['data.onBadImage', flags.onBadImage],
  ];
}

interface Given {
  readonly task: string;
  readonly flags: FinetuneFlags;
  readonly overrides: readonly Override[];
}

async function finetune(
  terminal: Terminal,
  { task: taskName, flags, overrides }: Given,
  inspection: EngineInspection,
): Promise<void> {
  const { checkSettings, finetuneConfig, resolveFinetuneConfig, taskNamed } = await import('@mae-tasks/core-mae/run');
  const { givenSettings } = await import('../settings/run-folder.js');
  const { tree, where, resumed, restarted } = await givenSettings(taskName, flags, overrides);
  const reportWarning = (message: string): void => {
    terminal.warn(message);
  };
  const registry = await openRegistryFor(taskName, { tree, where }, reportWarning, flags.plugin);
  const task = taskNamed(taskName, registry);
  const fit = fitRecipe(registry.readers, { formats: task.formats });
  const config =
    resumed === undefined
      ? await resolveFinetuneConfig(task, tree, where, { ...fit.options, reportWarning })
      : checkSettings(finetuneConfig(task), tree, where);
  const setting: Setting = { terminal, registry, task, config, recipe: fit.recipe, inspection };
  const { folds, fold } = config.data;
  if (folds !== null && fold === null) {
    await crossValidate(terminal, folds, flags.out ?? `runs/${task.name}`, (index, out) =>
      trainRun({ ...setting, config: { ...config, data: { ...config.data, fold: index } } }, { out }),
    );
    return;
  }
  if (restarted !== undefined) terminal.warn(anewMessage(restarted));
  await trainRun(setting, {
    out: restarted?.path ?? flags.out,
    resumed,
    pictures: fit.pictures,
    openedAt: fit.openedAt,
    allowChangedData: flags.allowChangedData === true,
  });
}

interface Setting {
  readonly terminal: Terminal;
  readonly registry: Registry;
  readonly task: Task;
  readonly config: FinetuneConfig;
  /** Of a new run. */
  readonly recipe: ChosenRecipe | undefined;
  readonly inspection: EngineInspection;
}

/** One run from its start, or from where it stopped, to its end; its last metrics, or undefined where it was stopped. */
async function trainRun(
  { terminal, registry, task, config, recipe, inspection }: Setting,
  where: {
    readonly out?: string | undefined;
    readonly resumed?: RunFolder | undefined;
    readonly pictures?: OpenedPictures | undefined;
    readonly openedAt?: number | undefined;
    readonly allowChangedData?: boolean;
  },
): Promise<Readonly<Record<string, number>> | undefined> {
  const { fewPicturesWarning, formatMergeReport, openFinetuneRun, planRunFolder } =
    await import('@mae-tasks/core-mae/run');
  const { out, resumed, pictures, openedAt, allowChangedData = false } = where;
  const engine = await openEngine(terminal, config, inspection);
  let known: TrainingDataSummary | undefined;
  const signals = listenForStop(() => {
    terminal.print('Stopping after this step and saving; once more stops at once.');
  });
  try {
    const folder = resumed ?? (await planRunFolder(out, task.name));
    const run = await openFinetuneRun({
      engine,
      task,
      config,
      folder,
      resume: resumed !== undefined,
      allowChangedData,
      estimate: true,
      readers: registry.readers,
      pictures,
      openedAt,
      backbones: registry.backbones,
      trackers: registry.trackers,
      plugins: registry.plugins,
      shouldStop: () => signals.shouldStop(),
      reportData: (summary) => {
        showTrainingData(terminal, summary);
        known = summary;
        const few = fewPicturesWarning(summary.train);
        if (few !== undefined) terminal.warn(few);
      },
      reportMerge: (report) => {
        terminal.record({ type: 'loaded', ...report });
        terminal.printAll(formatMergeReport(report).split('\n'));
      },
      reportEncoded: (done, total) => {
        terminal.showLive(`encoding pictures: ${done} of ${total}`);
        if (done === total) terminal.clearLive();
      },
      reportBadImage: ({ error }) => {
        terminal.warn(`passed over: ${error.message}`);
      },
      reportWarning: (message) => {
        terminal.warn(message);
      },
    });
    const { finished, metrics } = await followRun(terminal, {
      run,
      folder,
      engine,
      model: `${task.name} on a ViT of ${config.model.depth} × ${config.model.embedDim}, ${config.mode}`,
      recipe,
      data: config.data.path,
      summary: known,
      command: `finetune ${shellWord(task.name)}`,
      uses: 'best',
      next: `mae-tasks predict ${shellWord(shortPath(folder.path))} <pictures>`,
    });
    process.exitCode = signals.exitCode();
    return finished ? metrics : undefined;
  } finally {
    signals.release();
    await engine.dispose();
  }
}
