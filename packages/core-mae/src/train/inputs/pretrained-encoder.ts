import { isListed, mergeCheckpoint } from '../../checkpoint/merge.js';
import type { MergeReport } from '../../checkpoint/merge-report.js';
import { openWeights, type Weights } from '../../checkpoint/open-weights.js';
import { checkSettings } from '../../base/check-settings.js';
import type { Backbone, VitConfig } from '../../contracts/backbone.js';
import type { CheckpointAllowances } from '../../contracts/task.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { inferMaeConfig } from '../../models/infer-config.js';
import { patchGrid } from '../../models/vit-config.js';
import type { GridSize } from '../../nn/interpolate-bicubic.js';
import { dataSettings, type ReadingSettings, readingSettings } from '../settings/data-settings.js';
import { encoderSettings, resolveEncoder } from '../settings/encoder-settings.js';
import { modelSettings, resolveModel } from '../settings/model-settings.js';
import { trainingMetadataOf } from './training-metadata.js';

/** What a checkpoint says of its encoder. */
export interface DescribedEncoder {
  readonly vit: VitConfig;
  /** How its run read pictures; of foreign weights the defaults. */
  readonly reading: ReadingSettings;
}

/**
 * The encoder's dimensions in a checkpoint: as its run's settings say, or told from the shapes of foreign weights.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, `CHECKPOINT_MISMATCH`, or `CONFIG_INVALID` for settings of another version
 */
export function describeEncoder({ path, metadata, shapes }: Weights): DescribedEncoder {
  const saved = trainingMetadataOf(metadata, path);
  if (saved === undefined) return { vit: inferMaeConfig(shapes, path), reading: checkSettings(readingSettings, {}) };
  const { model, data } = saved.config;
  const vit =
    saved.objective === 'pretrain'
      ? resolveModel(checkSettings(modelSettings, model, path))
      : resolveEncoder(checkSettings(encoderSettings, model, path));
  return { vit, reading: checkSettings(dataSettings, data, path) };
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
  { vit, backbone, allowances }: { vit: VitConfig; backbone: Backbone; allowances: CheckpointAllowances },
): Promise<LoadedEncoder> {
  const { tensors, metadata } = await openWeights(path);
  const transferred = [...tensors].filter(([name]) => !isListed(name, backbone.pretrainingOnly));
  const merge = mergeCheckpoint(parameters, new Map(transferred), {
    path,
    allowMissing: allowances.allowMissing,
    allowUnexpected: allowances.allowUnexpected,
    positions: { pos_embed: { to: positionGridOf(vit, allowances) } },
  });
  return { merge, untrained: trainingMetadataOf(metadata, path)?.untrained };
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
