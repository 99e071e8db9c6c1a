import { mergeCheckpoint } from '../../checkpoint/merge.js';
import type { MergeReport } from '../../checkpoint/merge-report.js';
import { openWeights } from '../../checkpoint/open-weights.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { defaultMaskOptions, type MaeConfig, type MaskOptions } from '../../models/mae-config.js';
import { maeSpecs } from '../../models/mae.js';
import { patchGrid } from '../../models/vit-config.js';
import { initializeParameters } from '../../nn/params.js';
import { createRandom } from '../../base/random.js';
import { checkSettings } from '../../base/check-settings.js';
import { MaeError } from '../../base/errors.js';
import { decodeOptionsOf, statisticsOf } from '../settings/data-settings.js';
import type { DecodeOptions } from '../../data/images/image.js';
import { resolveModel } from '../settings/model-settings.js';
import { pretrainConfig } from '../settings/pretrain-config.js';
import { evaluationTransforms } from '../inputs/transform-recipes.js';
import type { PixelStatistics, TransformSpec } from '../../contracts/dataset.js';
import { describeForeign } from '../inputs/describe-weights.js';
import { type CheckpointSettings, overlayReading, visualizeSettings } from '../settings/use-settings.js';
import { trainingMetadataOf } from '../inputs/training-metadata.js';

/** A masked autoencoder ready for use, and how its pictures were prepared. */
export interface LoadedMae {
  readonly model: MaeConfig;
  readonly mask: MaskOptions;
  readonly parameters: ParameterTree;
  readonly statistics: PixelStatistics;
  readonly decode: DecodeOptions;
  readonly transforms: readonly TransformSpec[];
  /** What became of every name of the checkpoint. */
  readonly merge: MergeReport;
}

export interface LoadMaeOptions {
  /** Laid over what the checkpoint says of itself, as plain data: `{ model: { numHeads: 8 } }`, `{ checkpoint: { prefix } }`. */
  readonly settings?: CheckpointSettings | undefined;
  /** Called with what was done to the names of the weights, and what had to be guessed of them. */
  readonly reportWarning?: ((message: string) => void) | undefined;
}

/**
 * A masked autoencoder from a run's folder or a checkpoint of any layout that `openWeights` reads: the moving average of
 * its weights where the run kept one. A run's own settings are used; those of a foreign checkpoint are told from its
 * shapes and from what lies beside it, else with ImageNet's constants and plain pixels as the target.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, also for a run of another kind; `CHECKPOINT_MISMATCH` naming every tensor that
 * is missing (a decoder's) or that the model has no place for
 */
export async function loadMae(path: string, { settings = {}, reportWarning }: LoadMaeOptions = {}): Promise<LoadedMae> {
  const given = checkSettings(visualizeSettings, settings, 'the settings of visualize');
  const weights = await openWeights(path, given.checkpoint);
  const { tensors, metadata, description } = weights;
  const saved = trainingMetadataOf(metadata, path);
  if (saved !== undefined && saved.objective !== 'pretrain') {
    throw new MaeError('CHECKPOINT_INVALID', {
      what: `this is a run of \`finetune ${saved.objective}\`, which has no decoder`,
      where: path,
      fix: 'name a run of `pretrain`, for example the one that this one started from',
    });
  }
  const config = saved === undefined ? undefined : checkSettings(pretrainConfig, saved.config, path);
  const foreign = config === undefined ? describeForeign(weights, given.model) : undefined;
  for (const message of [...weights.remarks, ...(foreign?.warnings ?? [])]) reportWarning?.(message);
  const stored = foreign?.config ?? resolveModel(config!.model);
  const model = resolveModel(given.model, stored);
  const mask: MaskOptions = config ?? { ...defaultMaskOptions, normPixLoss: description?.normPixLoss ?? false };
  const parameters = initializeParameters(maeSpecs(model, mask), createRandom(0));
  const { height, width } = patchGrid(model);
  const made = patchGrid(stored);
  const from = foreign === undefined ? {} : { from: { height: made.height, width: made.width } };
  const grid = { ...from, to: { height, width } };
  const merge = mergeCheckpoint(parameters, tensors, {
    path,
    positions: { pos_embed: grid, decoder_pos_embed: grid },
  });
  const { mean = null, std = null } = description ?? {};
  const own = config?.data ?? checkSettings(pretrainConfig.shape.data, { path, mean, std });
  const reading = overlayReading(own, given.data, settings.data);
  const statistics = statisticsOf(reading, model.inChannels);
  return {
    model,
    mask,
    parameters,
    statistics,
    decode: decodeOptionsOf(reading, model.inChannels),
    transforms: evaluationTransforms(model.imageSize, statistics),
    merge,
  };
}
