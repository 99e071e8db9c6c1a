/*
 * train/pretraining/: masked autoencoding: a run of it (this file), `pretrain` for scripts, the objective, loading a
 * pretrained model, reconstructions.
 * Not here: the loop and the folder: `train/loop`, `train/run`. The model is in `models/`.
 * Called by: `mae-tasks pretrain` and `visualize`, and scripts.
 */

import { describeTrainingData } from '../inputs/describe-data.js';
import { openTrainingData } from '../inputs/open-training-data.js';
import { inLockedFolder, openRun, type Run, type RunOptions } from '../run/open-run.js';
import type { RunLock } from '../run/run-lock.js';
import { heldOutBefore } from '../run/picture-names-file.js';
import { readResumed } from '../run/resume.js';
import { type PretrainConfig, pretrainConfig } from '../settings/pretrain-config.js';
import { assemblePretraining } from './assemble.js';
import { shellWord } from '../../base/shell-command.js';

export interface PretrainRunOptions extends RunOptions {
  readonly config: PretrainConfig;
}

/**
 * Opens data and parameters for a pretraining in a folder.
 *
 * @throws MaeError for data, settings or a checkpoint that cannot be used, or that are not those of the run to resume
 */
export function openPretrainRun(options: PretrainRunOptions): Promise<Run> {
  return inLockedFolder(options, (lock) => open(options, lock));
}

async function open(options: PretrainRunOptions, lock: RunLock): Promise<Run> {
  const { config, folder, trackers, shouldStop = () => false, estimate = false } = options;
  const { allowChangedData = false, reportWarning = () => undefined } = options;
  const { openedAt = performance.now() } = options;
  const { path } = config.data;
  const resumed = options.resume ? await readResumed(folder, 'pretrain', config, pretrainConfig) : undefined;
  const pictures =
    options.pictures ??
    (await openTrainingData(config.data, options.readers, config.seed, {
      labels: false,
      heldOutNames: resumed && (await heldOutBefore(folder, config)),
    }));
  options.reportData?.(await describeTrainingData(pictures, { countsMaps: false }));
  for (const warning of pictures.warnings) options.reportWarning?.(warning);
  const resumeFrom = resumed && folder.weights.last;
  const training = await assemblePretraining(config, { ...options, pictures, resumeFrom });
  const about = {
    title: 'Pretraining',
    lead: `A masked autoencoder (${config.model.preset ?? 'tiny'}) on ${path}`,
    summary: [['Masked', `${Math.round(config.maskRatio * 100)} %, ${config.maskStrategy}`]] as const,
    next: [
      {
        purpose: 'See reconstructions of your own pictures',
        command: `mae-tasks visualize --checkpoint ${shellWord(folder.path)} --data <pictures>`,
      },
    ],
    command: 'mae-tasks pretrain',
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
    lock,
  });
}
