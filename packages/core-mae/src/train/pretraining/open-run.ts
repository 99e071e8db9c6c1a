import type { DataReader } from '../../contracts/data-reader.js';
import type { BadImage } from '../../data/loading/bad-images.js';
import { type DirectoryRun, type DirectoryRunOptions, openDirectoryRun } from '../run/directory-run.js';
import { openTrainingData } from '../inputs/open-training-data.js';
import { preparePretraining, type Pretraining } from './assemble.js';
import type { PretrainConfig } from '../settings/pretrain-config.js';

export interface PretrainRunOptions extends DirectoryRunOptions {
  readonly config: PretrainConfig;
  /** Data readers to choose from; the core's own and those of plugins. */
  readonly readers: readonly DataReader[];
  readonly reportBadImage?: (bad: BadImage) => void;
  readonly reportWarning?: (message: string) => void;
}

/**
 * Opens data and parameters for a pretraining in a folder.
 *
 * @throws MaeError for data, settings or a checkpoint that cannot be used
 */
export async function openPretrainRun(options: PretrainRunOptions): Promise<DirectoryRun> {
  const { engine, config, readers, reportBadImage, reportWarning } = options;
  const { train: data, heldOut, warnings } = await openTrainingData(config.data, readers, config.seed);
  for (const warning of warnings) reportWarning?.(warning);
  const prepared = await preparePretraining({
    engine,
    settings: config,
    reading: config.data,
    data,
    heldOut,
    reportBadImage,
    reportWarning,
  });
  const run = {
    prepared,
    config,
    seed: config.seed,
    numTrain: data.size,
    numHeldOut: heldOut?.size ?? 0,
    about: () => aboutRun(prepared, options),
  };
  return openDirectoryRun(run, options);
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
