import { loadCheckpoint } from '../../checkpoint/load.js';
import { isListed, mergeCheckpoint } from '../../checkpoint/merge.js';
import type { MergeReport } from '../../checkpoint/merge-report.js';
import { optimizerSlots } from '../../checkpoint/save.js';
import type { StoredTensors } from '../../checkpoint/files/stored-tensor.js';
import type { Backbone, VitConfig } from '../../contracts/backbone.js';
import type { CheckpointAllowances } from '../../contracts/task.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { inferMaeConfig } from '../../models/infer-config.js';
import { patchGrid } from '../../models/vit-config.js';
import type { GridSize } from '../../nn/interpolate-bicubic.js';
import { encoderSettings, resolveEncoder } from '../settings/encoder-settings.js';
import { modelSettings, resolveModel } from '../settings/model-settings.js';
import { trainingMetadataOf } from './training-metadata.js';

/** What a checkpoint says of its encoder. */
export interface DescribedCheckpoint {
  readonly vit: VitConfig;
  /** The constants that its pictures were normalised by, where its run had its own. */
  readonly mean: number[] | undefined;
  readonly std: number[] | undefined;
}

/**
 * The encoder's dimensions in a checkpoint: as its run's settings say, or told from the shapes of foreign weights.
 *
 * @throws MaeError `CHECKPOINT_INVALID` or `CHECKPOINT_MISMATCH`
 */
export async function describeCheckpoint(path: string): Promise<DescribedCheckpoint> {
  const checkpoint = await loadCheckpoint(path);
  const saved = trainingMetadataOf(checkpoint.metadata, path);
  if (saved !== undefined) {
    const { model, data } = saved.config as {
      model: unknown;
      data?: { mean?: number[] | null; std?: number[] | null };
    };
    const vit =
      saved.objective === 'pretrain'
        ? resolveModel(modelSettings.parse(model))
        : resolveEncoder(encoderSettings.parse(model));
    return { vit, mean: data?.mean ?? undefined, std: data?.std ?? undefined };
  }
  const shapes = new Map([...checkpoint.tensors].map(([name, { shape }]) => [name, shape]));
  return { vit: inferMaeConfig(shapes, path), mean: undefined, std: undefined };
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
): Promise<MergeReport> {
  const { tensors, extra } = await loadCheckpoint(path);
  const averages: StoredTensors = optimizerSlots(extra).get('ema') ?? new Map();
  const transferred = [...tensors, ...averages].filter(([name]) => !isListed(name, backbone.pretrainingOnly));
  return mergeCheckpoint(parameters, new Map(transferred), {
    path,
    allowMissing: allowances.allowMissing,
    allowUnexpected: allowances.allowUnexpected,
    positions: { pos_embed: { to: positionGridOf(vit, allowances) } },
  });
}

/** The grid of a model's position table. */
export function positionGridOf(vit: VitConfig, { positionGrid }: CheckpointAllowances): GridSize {
  if (positionGrid !== undefined) return { height: positionGrid[0], width: positionGrid[1] };
  const { height, width } = patchGrid(vit);
  return { height, width };
}
