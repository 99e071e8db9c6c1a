import { z } from 'zod';
import { mergeCheckpoint } from '../checkpoint/merge.js';
import { readSafetensors, readSafetensorsHeader } from '../checkpoint/safetensors.js';
import { OPTIMIZER_PREFIX, optimizerSlots, optimizerTensors, saveCheckpoint } from '../checkpoint/save.js';
import type { StoredTensor } from '../checkpoint/stored-tensor.js';
import type { ParameterTree } from '../contracts/tensor.js';
import { MaeError } from '../errors.js';
import { progressSchema } from './progress.js';
import type { TrainingState } from './training.js';

/** The key of a checkpoint's metadata under which all but the tensors lies, as JSON. */
const METADATA_KEY = 'maeTasks';

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
});

/** The end of an epoch: what evaluating, drawing and saving need to know of it. */
export type EpochEnd = NonNullable<TrainingMetadata['pendingEpoch']>;

export type TrainingMetadata = z.output<typeof trainingMetadata>;

/** Writes a training state into one file, atomically. @throws MaeError `WRITE_FAILED` */
export async function saveTrainingState(
  path: string,
  state: TrainingState,
  metadata: Omit<TrainingMetadata, 'version' | 'progress'>,
): Promise<void> {
  const complete: TrainingMetadata = { version: 1, ...metadata, progress: state.progress };
  await saveCheckpoint(path, state.parameters, {
    metadata: { [METADATA_KEY]: JSON.stringify(complete) },
    extra: optimizerTensors(slotsOf(state)),
  });
}

/** Writes parameters with the run's metadata and without the optimizer: for use, not for going on. */
export async function saveWeights(
  path: string,
  parameters: ParameterTree,
  metadata: Omit<TrainingMetadata, 'version'>,
): Promise<void> {
  await saveCheckpoint(path, parameters, {
    metadata: { [METADATA_KEY]: JSON.stringify({ version: 1, ...metadata }) },
  });
}

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
  const parsed = trainingMetadata.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new MaeError('CHECKPOINT_INVALID', {
    what: `its \`${METADATA_KEY}\` metadata is not that of a run: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    where: path,
    fix: 'use a checkpoint that this version wrote',
    cause: parsed.error,
  });
}

/**
 * Puts a saved training state into `state`, whose arrays exist already.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, `CHECKPOINT_MISMATCH` or `RUN_INVALID` for a file without a training state
 */
export async function loadTrainingState(path: string, state: TrainingState): Promise<TrainingMetadata> {
  const metadata = await readTrainingMetadata(path);
  const { tensors } = await readSafetensors(path);
  const model = new Map<string, StoredTensor>();
  const extra = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) (name.startsWith(OPTIMIZER_PREFIX) ? extra : model).set(name, tensor);
  const slots = optimizerSlots(extra);
  for (const [slot, tree] of Object.entries(slotsOf(state))) {
    const stored = slots.get(slot);
    if (metadata === undefined || stored === undefined) {
      throw new MaeError('RUN_INVALID', {
        what: `the checkpoint holds no optimizer state \`${slot}\`, so training cannot go on from it`,
        where: path,
        fix: 'resume from `weights/last.safetensors` of a run',
      });
    }
    mergeCheckpoint(tree, stored, { path });
  }
  mergeCheckpoint(state.parameters, model, { path });
  state.progress = metadata!.progress;
  return metadata!;
}

function slotsOf({ optimizer, average }: TrainingState): Readonly<Record<string, ParameterTree>> {
  return average === undefined ? optimizer.slots : { ...optimizer.slots, ema: average };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
