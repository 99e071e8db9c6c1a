import { isListed, mergeCheckpoint } from '../../checkpoint/merge.js';
import type { MergeReport } from '../../checkpoint/merge-report.js';
import { openWeights, type Weights } from '../../checkpoint/open-weights.js';
import { checkSettings } from '../../base/check-settings.js';
import type { Backbone, VitConfig } from '../../contracts/backbone.js';
import type { CheckpointAllowances } from '../../contracts/task.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { patchGrid } from '../../models/vit-config.js';
import type { GridSize } from '../../nn/interpolate-bicubic.js';
import { dataSettings, type ReadingSettings, readingSettings } from '../settings/data-settings.js';
import { encoderSettings, resolveEncoder } from '../settings/encoder-settings.js';
import { modelSettings, resolveModel } from '../settings/model-settings.js';
import { describeForeign, type GivenHeads } from './describe-weights.js';
import { trainingMetadataOf } from './training-metadata.js';

/** What a checkpoint says of its encoder. */
export interface DescribedEncoder {
  readonly vit: VitConfig;
  /** How its run read pictures; of foreign weights the defaults, with the normalisation that files beside them name. */
  readonly reading: ReadingSettings;
  /** What had to be guessed, in sentences for people. */
  readonly warnings: readonly string[];
}

/**
 * The encoder's dimensions in a checkpoint: as its run's settings say, or told from the shapes of foreign weights and from
 * what lies beside them.
 *
 * @param given settings of the model that are laid over what the checkpoint says
 * @throws MaeError `CHECKPOINT_INVALID`, `CHECKPOINT_MISMATCH`, or `CONFIG_INVALID` for settings of another version
 */
export function describeEncoder(weights: Weights, given: GivenHeads = {}): DescribedEncoder {
  const { path, metadata, description } = weights;
  const saved = trainingMetadataOf(metadata, path);
  if (saved === undefined) {
    const { config: vit, warnings } = describeForeign(weights, given);
    const { mean = null, std = null } = description ?? {};
    return { vit, reading: checkSettings(readingSettings, { mean, std }, path), warnings };
  }
  const { model, data } = saved.config;
  const vit =
    saved.objective === 'pretrain'
      ? resolveModel(checkSettings(modelSettings, model, path))
      : resolveEncoder(checkSettings(encoderSettings, model, path));
  return { vit, reading: checkSettings(dataSettings, data, path), warnings: [] };
}

/**
 * Copies a pretrained encoder into a task's parameters: the moving average where the run kept one. Decoders are left
 * out, positions interpolated; what else differs must be among the allowances.
 *
 * @throws MaeError `CHECKPOINT_INVALID` or `CHECKPOINT_MISMATCH`
 */
export async function loadEncoder(
  path: string,
  parameters: ParameterTree,
  { vit, backbone, allowances, prefix }: EncoderPlace,
): Promise<LoadedEncoder> {
  const { tensors, metadata, remarks } = await openWeights(path, { prefix });
  const transferred = [...tensors].filter(([name]) => !isListed(name, backbone.pretrainingOnly));
  const merge = mergeCheckpoint(parameters, new Map(transferred), {
    path,
    allowMissing: allowances.allowMissing,
    allowUnexpected: allowances.allowUnexpected,
    positions: { pos_embed: { to: positionGridOf(vit, allowances) } },
  });
  return { merge: { ...merge, remarks }, untrained: trainingMetadataOf(metadata, path)?.untrained };
}

/** The model that an encoder is loaded into. */
export interface EncoderPlace {
  readonly vit: VitConfig;
  readonly backbone: Backbone;
  readonly allowances: CheckpointAllowances;
  /** What the wanted encoder's names begin with, where the file holds several. */
  readonly prefix?: string | null | undefined;
}

/** What became of a checkpoint's encoder. */
export interface LoadedEncoder {
  readonly merge: MergeReport;
  /** What its run says that it has not learned. */
  readonly untrained: string | undefined;
}

/** The grid of a model's position table. */
export function positionGridOf(vit: VitConfig, { positionGrid }: CheckpointAllowances): GridSize {
  if (positionGrid !== undefined) return { height: positionGrid[0], width: positionGrid[1] };
  const { height, width } = patchGrid(vit);
  return { height, width };
}
