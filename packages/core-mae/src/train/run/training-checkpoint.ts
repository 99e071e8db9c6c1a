import { mergeCheckpoint } from '../../checkpoint/merge.js';
import { findNotFiniteParameter } from '../../checkpoint/files/finite.js';
import { readSafetensors } from '../../checkpoint/files/safetensors.js';
import { OPTIMIZER_PREFIX, optimizerSlots, optimizerTensors, saveCheckpoint } from '../../checkpoint/save.js';
import type { StoredTensor } from '../../checkpoint/files/stored-tensor.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { MaeError } from '../../base/errors.js';
import { METADATA_KEY, type TrainingMetadata, trainingMetadataOf } from '../inputs/training-metadata.js';
import type { TrainingState } from '../loop/training.js';

/**
 * Writes a training state into one file, atomically.
 *
 * @throws MaeError `LOSS_NOT_FINITE` for values that are not finite, naming the tensor; `WRITE_FAILED`. The previous file is
 * then intact
 */
export async function saveTrainingState(
  path: string,
  state: TrainingState,
  metadata: Omit<TrainingMetadata, 'version' | 'progress'>,
): Promise<void> {
  requireFiniteState([state.parameters, ...Object.values(slotsOf(state))], state.progress.step);
  const complete: TrainingMetadata = { version: 1, ...metadata, progress: state.progress };
  await saveCheckpoint(path, state.parameters, {
    metadata: { [METADATA_KEY]: JSON.stringify(complete) },
    extra: optimizerTensors(slotsOf(state)),
  });
}

/**
 * Writes parameters with the run's metadata and without the optimizer: for use, not for resuming.
 *
 * @throws MaeError as {@link saveTrainingState}
 */
export async function saveWeights(
  path: string,
  parameters: ParameterTree,
  metadata: Omit<TrainingMetadata, 'version'>,
): Promise<void> {
  requireFiniteState([parameters], metadata.progress.step);
  await saveCheckpoint(path, parameters, {
    metadata: { [METADATA_KEY]: JSON.stringify({ version: 1, ...metadata }) },
  });
}

/**
 * Puts a saved training state into `state`, whose arrays exist already.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, `CHECKPOINT_MISMATCH` or `RUN_INVALID` for a file without a training state
 */
export async function loadTrainingState(path: string, state: TrainingState): Promise<TrainingMetadata> {
  const { tensors, metadata: texts } = await readSafetensors(path);
  const metadata = trainingMetadataOf(texts, path);
  const model = new Map<string, StoredTensor>();
  const extra = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) (name.startsWith(OPTIMIZER_PREFIX) ? extra : model).set(name, tensor);
  const slots = optimizerSlots(extra);
  for (const [slot, tree] of Object.entries(slotsOf(state))) {
    const stored = slots.get(slot);
    if (metadata === undefined || stored === undefined) {
      throw new MaeError('RUN_INVALID', {
        what: `the checkpoint holds no optimizer state \`${slot}\`, so training cannot be resumed from it`,
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

function requireFiniteState(trees: readonly ParameterTree[], step: number): void {
  for (const tree of trees) {
    const name = findNotFiniteParameter(tree);
    if (name === undefined) continue;
    throw new MaeError('LOSS_NOT_FINITE', {
      what: `\`${name}\` is not finite after step ${step}, so nothing is saved`,
      fix: 'lower `optimizer.blr`, lengthen `optimizer.warmupEpochs`, or set `optimizer.clipGrad`',
    });
  }
}
