import type { z } from 'zod';
import { checkSettings } from '../../base/check-settings.js';
import { MaeError } from '../../base/errors.js';
import { shellWord } from '../../base/shell-command.js';
import type { Task } from '../../contracts/task.js';
import type { TrainingPictures } from '../inputs/open-training-data.js';
import { readTrainingMetadata, type TrainingMetadata } from '../inputs/training-metadata.js';
import type { Training, TrainingState } from '../loop/training.js';
import { CHANGEABLE_SETTINGS, isChangeable } from '../settings/changeable-settings.js';
import { differencesOf, shown } from './differences.js';
import { readPictureNames } from './picture-names-file.js';
import type { RunContext } from './run-context.js';
import type { RunFolder } from './run-folder.js';

/**
 * What the checkpoint of a run that is to be resumed says, where it is of the same objective and of the same settings
 * but for those that may change.
 *
 * @param schema fills in the settings that did not exist yet when the run began
 * @throws MaeError `RUN_INVALID`, or `CONFIG_INVALID` naming every setting that differs
 */
export async function readResumed(
  folder: RunFolder,
  objective: string,
  config: Readonly<Record<string, unknown>> & { readonly epochs: number },
  schema: z.ZodType,
): Promise<TrainingMetadata> {
  const path = folder.weights.last;
  const saved = await readTrainingMetadata(path);
  if (saved === undefined) {
    throw new MaeError('RUN_INVALID', {
      what: 'the checkpoint does not say what run it is of, so training cannot be resumed from it',
      where: path,
      fix: 'put the `weights/last.safetensors` of the run there',
    });
  }
  requireSameObjective(saved.objective, objective, folder);
  const before = checkSettings(schema, { ...saved.config, seed: saved.seed }, path);
  const changed = differencesOf(before, config).filter(({ path: setting }) => !isChangeable(setting));
  if (changed.length > 0) {
    const list = changed.map(
      (each) => `\`${each.path}\` (=${shown(each.now)}, in the checkpoint ${shown(each.before)})`,
    );
    throw new MaeError('CONFIG_INVALID', {
      what: `a run that is resumed keeps its settings, and these would change: ${list.join(', ')}`,
      where: folder.path,
      fix: `leave the flag away or set config.yaml back; only ${CHANGEABLE_SETTINGS.join(', ')} may change. For anything else start a new run`,
    });
  }
  const { epoch } = saved.progress;
  if (config.epochs < epoch) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`epochs\` (=${config.epochs}) are fewer than the ${epoch} that the run has done`,
      where: folder.path,
      fix: `give at least ${epoch}`,
    });
  }
  return saved;
}

/**
 * What a task's model needs to know of its pictures. Of a run that is resumed, it must be what it was.
 *
 * @param allowChangedData whether other pictures will do that the task's model fits
 * @throws MaeError `DATA_INVALID` naming the first difference
 */
export async function examinePictures(
  task: Task,
  settings: unknown,
  { train, heldOut }: TrainingPictures,
  resumed: TrainingMetadata | undefined,
  allowChangedData = false,
): Promise<unknown> {
  // The task itself says best what is wrong with other data.
  if (resumed !== undefined) task.requireFit?.(train, resumed.facts);
  const facts = await task.examine(train, settings);
  if (heldOut !== undefined) task.requireFit?.(heldOut, facts);
  if (resumed === undefined) return facts;
  // Facts of a checkpoint have been through JSON.
  const [first] = differencesOf(resumed.facts, JSON.parse(JSON.stringify(facts)));
  if (first === undefined || allowChangedData) return resumed.facts;
  throw otherData(
    `\`${first.path}\` of its data is ${shown(first.now)}, and was ${shown(first.before)} when the run began`,
    train.name,
  );
}

/**
 * Whether a run that is resumed has other pictures than it began with, which is then said.
 *
 * @throws MaeError `DATA_INVALID` where it may not
 */
export async function comparePictures(
  { loop, data }: Training,
  { data: saved, progress }: TrainingMetadata,
  { folder, allowChangedData, reportWarning }: Pick<RunContext, 'folder' | 'allowChangedData' | 'reportWarning'>,
): Promise<boolean> {
  const where = data.name;
  if (saved === undefined) {
    // Checkpoints of earlier versions do not name their pictures; their steps tell how many batches there were.
    const stepsPerEpoch = Math.ceil(data.train.batchesPerEpoch / loop.accumIter);
    const { epoch, batch, step } = progress;
    if (step === epoch * stepsPerEpoch + Math.ceil(batch / loop.accumIter)) return false;
    if (allowChangedData) return true;
    throw otherData(`its pictures give ${stepsPerEpoch} steps an epoch, which its ${step} steps do not fit`, where);
  }
  const before = await readPictureNames(folder);
  const now = data.pictureNames();
  const changes = PARTS.flatMap(([part, name]) => {
    const [old, present] = [saved[part], data.pictures[part]];
    if (old.digest === present.digest) return [];
    return [`${name}: ${changeOf(before?.[part], now[part]) ?? countChange(old.count, present.count)}`];
  });
  if (changes.length === 0) return false;
  const what = `there are other pictures than when the run began (${changes.join('; ')})`;
  if (!allowChangedData) throw otherData(what, where);
  reportWarning(`${what}: the run goes on with them, from the beginning of the epoch that it was in.`);
  return true;
}

const PARTS = [
  ['train', 'to train on'],
  ['heldOut', 'held out'],
] as const;

function countChange(before: number, now: number): string {
  return before === now ? `${now} pictures of other names` : `${now} pictures, and were ${before}`;
}

/** What was added and removed; undefined where it is not known which pictures there were. */
function changeOf(before: readonly string[] | undefined, now: readonly string[]): string | undefined {
  if (before === undefined) return undefined;
  const [old, present] = [new Set(before), new Set(now)];
  const parts = [
    ['added', now.filter((name) => !old.has(name))],
    ['removed', before.filter((name) => !present.has(name))],
  ] as const;
  const told = parts.flatMap(([what, names]) =>
    names.length === 0
      ? []
      : [`${names.length} ${what} (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`],
  );
  return told.length === 0 ? 'the same in another order' : told.join(', ');
}

/** The place in an epoch is one among its pictures: with others, the epoch begins anew. */
export function beginEpochAnew(state: TrainingState): void {
  const { epoch, step } = state.progress;
  state.progress = { epoch, step, batch: 0, lossSum: 0, lossCount: 0 };
}

function otherData(what: string, where: string): MaeError {
  return new MaeError('DATA_INVALID', {
    what: `a run that is resumed keeps its data, but ${what}`,
    where,
    fix: 'bring the data back as it was, go on with it by --allow-changed-data (pictures that were held out stay so), or start a new run with --checkpoint of this one',
  });
}

function requireSameObjective(saved: string, wanted: string, { path }: RunFolder): void {
  if (saved === wanted) return;
  const commandOf = (objective: string): string =>
    objective === 'pretrain' ? 'pretrain' : `finetune ${shellWord(objective)}`;
  throw new MaeError('RUN_INVALID', {
    what: `this is a run of \`${commandOf(saved)}\`, not of \`${commandOf(wanted)}\``,
    where: path,
    fix: `resume it by: mae-tasks ${commandOf(saved)} --resume ${shellWord(path)}`,
  });
}
