import type { z } from 'zod';
import { checkSettings } from '../../base/check-settings.js';
import { MaeError } from '../../base/errors.js';
import { shellWord } from '../../base/shell-command.js';
import type { Task } from '../../contracts/task.js';
import type { TrainingPictures } from '../inputs/open-training-data.js';
import { readTrainingMetadata, type TrainingMetadata } from '../inputs/training-metadata.js';
import type { Training } from '../loop/training.js';
import { CHANGEABLE_SETTINGS, isChangeable } from '../settings/changeable-settings.js';
import { differencesOf, shown } from './differences.js';
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
 * @throws MaeError `DATA_INVALID` naming the first difference
 */
export async function examinePictures(
  task: Task,
  settings: unknown,
  { train, heldOut }: TrainingPictures,
  resumed: TrainingMetadata | undefined,
): Promise<unknown> {
  // The task itself says best what is wrong with other data.
  if (resumed !== undefined) task.requireFit?.(train, resumed.facts);
  const facts = await task.examine(train, settings);
  if (heldOut !== undefined) task.requireFit?.(heldOut, facts);
  if (resumed === undefined) return facts;
  // Facts of a checkpoint have been through JSON.
  const [first] = differencesOf(resumed.facts, JSON.parse(JSON.stringify(facts)));
  if (first === undefined) return resumed.facts;
  throw otherData(
    `\`${first.path}\` of its data is ${shown(first.now)}, and was ${shown(first.before)} when the run began`,
    train.name,
  );
}

/** @throws MaeError `DATA_INVALID` where a run that is resumed has other pictures than it began with */
export function requireSamePictures({ loop, data }: Training, { data: saved, progress }: TrainingMetadata): void {
  const where = data.name;
  if (saved !== undefined) {
    for (const [part, name] of [
      ['train', 'to train on'],
      ['heldOut', 'held out'],
    ] as const) {
      const [before, now] = [saved[part], data.pictures[part]];
      if (before.count !== now.count) {
        throw otherData(`there are ${now.count} pictures ${name}, and were ${before.count} when the run began`, where);
      }
      if (before.digest !== now.digest) {
        throw otherData(`the pictures ${name} have other names than when the run began`, where);
      }
    }
    return;
  }
  // Checkpoints of earlier versions do not name their pictures; their steps tell how many batches there were.
  const stepsPerEpoch = Math.ceil(data.train.batchesPerEpoch / loop.accumIter);
  const { epoch, batch, step } = progress;
  if (step === epoch * stepsPerEpoch + Math.ceil(batch / loop.accumIter)) return;
  throw otherData(`its pictures give ${stepsPerEpoch} steps an epoch, which its ${step} steps do not fit`, where);
}

function otherData(what: string, where: string): MaeError {
  return new MaeError('DATA_INVALID', {
    what: `a run that is resumed keeps its data, but ${what}`,
    where,
    fix: 'bring the data back as it was, or start a new run (with `--checkpoint` of this one)',
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
