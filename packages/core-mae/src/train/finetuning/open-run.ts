import type { DataReader } from '../../contracts/data-reader.js';
import type { MergeReport } from '../../checkpoint/merge-report.js';
import { type DirectoryRun, type DirectoryRunOptions, openDirectoryRun } from '../run/directory-run.js';
import { openTrainingData } from '../inputs/open-training-data.js';
import { type Finetuning, type FinetuningInput, prepareFinetuning } from './assemble.js';

export interface FinetuneRunOptions
  extends DirectoryRunOptions, Omit<FinetuningInput, 'engine' | 'reading' | 'data' | 'heldOut' | 'allocate'> {
  /** Data readers to choose from; the core's own and those of plugins. */
  readonly readers: readonly DataReader[];
  /** Called with what became of the checkpoint's names. */
  readonly reportMerge?: (report: MergeReport) => void;
}

/**
 * Opens data, encoder and head for a fine-tuning in a folder.
 *
 * @throws MaeError for data, settings or a checkpoint that cannot be used
 */
export async function openFinetuneRun(options: FinetuneRunOptions): Promise<DirectoryRun> {
  const { config, readers, reportWarning, task } = options;
  const opened = await openTrainingData(config.data, readers, config.seed, task.formats);
  const { train: data, heldOut, warnings } = opened;
  for (const warning of warnings) reportWarning?.(warning);
  // Where the run goes on, its own weights replace those that it began with.
  const started = options.resume ? { ...config, pretrained: null } : config;
  const prepared = await prepareFinetuning({ ...options, config: started, reading: config.data, data, heldOut });
  if (prepared.merge !== undefined) options.reportMerge?.(prepared.merge);
  const run = {
    prepared,
    config,
    seed: config.seed,
    numTrain: data.size,
    numHeldOut: heldOut?.size ?? 0,
    facts: prepared.built.facts,
    patience: config.patience,
    about: () => aboutRun(prepared, options),
  };
  return openDirectoryRun(run, options);
}

function aboutRun({ state, training }: Finetuning, { task, config, directory }: FinetuneRunOptions) {
  const { epoch, step } = state.progress;
  const start = config.pretrained ?? 'random weights';
  return {
    title: `Fine-tuning ${task.name}, ${directory.name}`,
    lead: `${task.description} On ${config.data.path}, from ${start}: ${epoch} of ${config.epochs} epochs.`,
    summary: [
      ['Epochs', `${epoch} of ${config.epochs}`],
      ['Steps', String(step)],
      ['Mode', config.mode === 'partial' ? `partial, ${config.blocks} blocks` : config.mode],
      ['Recipe', config.recipe ?? 'none'],
      ['Batch', `${training.batchSize}${config.accumIter > 1 ? ` × ${config.accumIter}` : ''}`],
      ['Peak learning rate', training.schedule.lr.toPrecision(3)],
      ['Seed', String(config.seed)],
    ] as const,
    next: [
      { purpose: 'Measure it on other data', command: `mae-tasks evaluate ${directory.path} --data <data>` },
      { purpose: 'Use it', command: `mae-tasks predict ${directory.path} <pictures>` },
      ...(epoch < config.epochs
        ? [{ purpose: 'Go on', command: `mae-tasks finetune ${task.name} --resume ${directory.path}` }]
        : []),
    ],
  };
}
