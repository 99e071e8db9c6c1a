/*
 * train/finetuning/: fine-tuning any task: a run of it (this file), building the task's model on an encoder, freezing,
 * cached features, and using the result: evaluate, predict, embed.
 * Not here: anything that knows one task from another: plugins bring tasks.
 * Called by: `mae-tasks finetune`, `evaluate`, `predict`, `embed`, and scripts.
 */

import type { MergeReport } from '../../checkpoint/merge-report.js';
import type { Backbone } from '../../contracts/backbone.js';
import type { Task } from '../../contracts/task.js';
import { describeTrainingData } from '../inputs/describe-data.js';
import { openTrainingData } from '../inputs/open-training-data.js';
import { inLockedFolder, openRun, type Run, type RunOptions } from '../run/open-run.js';
import type { RunLock } from '../run/run-lock.js';
import { heldOutBefore } from '../run/picture-names-file.js';
import { examinePictures, readResumed } from '../run/resume.js';
import { type FinetuneConfig, finetuneConfig, taskSettingsOf } from '../settings/finetune-config.js';
import { assembleFinetuning } from './assemble.js';
import { shellWord } from '../../base/shell-command.js';

export interface FinetuneRunOptions extends RunOptions {
  readonly config: FinetuneConfig;
  readonly task: Task;
  readonly backbones: ReadonlyMap<string, Backbone>;
  /** Called with what became of the checkpoint's names. */
  readonly reportMerge?: (report: MergeReport) => void;
  /** Called while a frozen encoder goes through the pictures, once. */
  readonly reportEncoded?: (done: number, total: number) => void;
}

/**
 * Opens data, encoder and head for a fine-tuning in a folder.
 *
 * @throws MaeError for data, settings or a checkpoint that cannot be used, or that are not those of the run to resume
 */
export function openFinetuneRun(options: FinetuneRunOptions): Promise<Run> {
  return inLockedFolder(options, (lock) => open(options, lock));
}

async function open(options: FinetuneRunOptions, lock: RunLock): Promise<Run> {
  const { task, config, folder, trackers, shouldStop = () => false, estimate = false } = options;
  const { allowChangedData = false, reportWarning = () => undefined } = options;
  const { openedAt = performance.now() } = options;
  const resumed = options.resume ? await readResumed(folder, task.name, config, finetuneConfig(task)) : undefined;
  const pictures =
    options.pictures ??
    (await openTrainingData(config.data, options.readers, config.seed, {
      formats: task.formats,
      heldOutNames: resumed && (await heldOutBefore(folder, config)),
    }));
  options.reportData?.(await describeTrainingData(pictures));
  for (const warning of pictures.warnings) options.reportWarning?.(warning);
  const facts = await examinePictures(task, taskSettingsOf(config, task), pictures, resumed, allowChangedData);
  const resumeFrom = resumed && folder.weights.last;
  const training = await assembleFinetuning(task, config, facts, { ...options, pictures, resumeFrom });
  if (training.merge !== undefined) options.reportMerge?.(training.merge);
  if (training.untrained !== undefined) {
    options.reportWarning?.(
      `the encoder of ${config.pretrained} has learned little or nothing: when its pretraining ended, ${training.untrained}. Training from random weights may do better.`,
    );
  }
  const about = {
    title: `Fine-tuning ${task.name},`,
    lead: `${task.description} On ${config.data.path}, from ${config.pretrained ?? 'random weights'}`,
    summary: [
      ['Mode', config.mode === 'partial' ? `partial, ${config.blocks} blocks` : config.mode],
      ['Recipe', config.recipe ?? 'none'],
    ] as const,
    next: [
      { purpose: 'Measure it on other data', command: `mae-tasks evaluate ${shellWord(folder.path)} --data <data>` },
      { purpose: 'Use it', command: `mae-tasks predict ${shellWord(folder.path)} <pictures>` },
    ],
    command: `mae-tasks finetune ${shellWord(task.name)}`,
  };
  return openRun(training, about, {
    folder,
    config,
    trackers,
    plugins: options.plugins,
    shouldStop,
    estimate,
    openedAt,
    resumed,
    allowChangedData,
    reportWarning,
    facts,
    lock,
  });
}
