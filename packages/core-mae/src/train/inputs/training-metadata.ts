import { z } from 'zod';
import { readSafetensorsHeader } from '../../checkpoint/files/safetensors.js';
import { MaeError } from '../../base/errors.js';
import { explain } from '../../base/check-settings.js';
import { progressSchema } from '../loop/progress.js';

/** The key of a checkpoint's metadata under which all but the tensors lies, as JSON. */
export const METADATA_KEY = 'maeTasks';

const pictureSet = z.strictObject({ count: z.int().min(0), digest: z.string() });

const trainingMetadata = z.strictObject({
  version: z.literal(1),
  /** `pretrain`, or a task's name. */
  objective: z.string(),
  /** Seed of the one generator; with `progress` it gives every random number still to come. */
  seed: z.int(),
  progress: progressSchema,
  /** The best value so far of the objective's metric. */
  best: z.strictObject({ value: z.number(), epoch: z.int(), step: z.int() }).nullable(),
  /** An epoch that is trained but not yet evaluated, because the run was stopped just then. */
  pendingEpoch: z.strictObject({ epoch: z.int(), step: z.int(), epochLoss: z.number() }).nullable(),
  /** The resolved configuration of the run. */
  config: z.record(z.string(), z.unknown()),
  /** What a task needs to know of its data: class names. */
  facts: z.unknown().optional(),
  /** What the model has not learned yet, where it has not left what one reaches that has learned nothing. */
  untrained: z.string().optional(),
  /** The pictures, by number and names; absent in checkpoints of earlier versions and of weights alone. */
  data: z.strictObject({ train: pictureSet, heldOut: pictureSet }).optional(),
});

/** The end of an epoch: what evaluating, drawing and saving need to know of it. */
export type EpochEnd = NonNullable<TrainingMetadata['pendingEpoch']>;

export type TrainingMetadata = z.output<typeof trainingMetadata>;

/**
 * What a checkpoint says of the run that wrote it, or undefined for a file that is not of a run.
 *
 * @throws MaeError `CHECKPOINT_INVALID`
 */
export async function readTrainingMetadata(path: string): Promise<TrainingMetadata | undefined> {
  const { metadata } = await readSafetensorsHeader(path);
  return trainingMetadataOf(metadata, path);
}

/** What the metadata of the checkpoint at `path` says of its run. @throws MaeError `CHECKPOINT_INVALID` */
export function trainingMetadataOf(
  metadata: Readonly<Record<string, string>>,
  path: string,
): TrainingMetadata | undefined {
  const text = metadata[METADATA_KEY];
  if (text === undefined) return undefined;
  const value = parseJson(text);
  const parsed = trainingMetadata.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MaeError('CHECKPOINT_INVALID', {
    what: `its \`${METADATA_KEY}\` metadata is not that of a run: ${explain(trainingMetadata, value, parsed.error).what}`,
    where: path,
    fix: 'use a checkpoint that this version wrote',
    cause: parsed.error,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
