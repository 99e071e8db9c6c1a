import type { RunReport } from '../../report/pages/report-html.js';
import type { Training } from '../loop/training.js';
import type { RunContext } from './run-context.js';
import { shellWord } from '../../base/shell-command.js';

/** What a training says of itself on its run's page. */
export interface RunDescription {
  /** "Pretraining"; the run's name follows. */
  readonly title: string;
  /** A sentence without its full stop; how far the run is follows. */
  readonly lead: string;
  /** Rows of the summary besides those that every run has. */
  readonly summary: ReadonlyArray<readonly [name: string, value: string]>;
  /** What to do with the result. */
  readonly next: NonNullable<RunReport['next']>;
  /** The command that resumes the run, without its folder: `mae-tasks pretrain`. */
  readonly command: string;
}

/** The words on a run's page, as far as it is now. */
export function aboutRun(
  { state, loop, data }: Training,
  { title, lead, summary, next, command }: RunDescription,
  { folder, config }: RunContext,
): Pick<RunReport, 'title' | 'lead' | 'summary' | 'next'> {
  const { epoch, step } = state.progress;
  const { epochs, lr } = loop.schedule;
  const resume = { purpose: 'Resume', command: `${command} --resume ${shellWord(folder.path)}` };
  return {
    title: `${title} ${folder.name}`,
    lead: `${lead}: ${epoch} of ${epochs} epochs.`,
    summary: [
      ['Epochs', `${epoch} of ${epochs}`],
      ['Steps', String(step)],
      ['Batch', `${data.batchSize}${loop.accumIter > 1 ? ` × ${loop.accumIter}` : ''}`],
      ['Peak learning rate', lr.toPrecision(3)],
      ...summary,
      ['Seed', String(config.seed)],
    ],
    next: epoch < epochs ? [...next, resume] : next,
  };
}
