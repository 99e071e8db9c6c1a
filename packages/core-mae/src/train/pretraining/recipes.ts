import type { DataMeasures } from '../../contracts/dataset.js';
import type { FittedSettings } from '../../contracts/task.js';
import type { MaeConfig } from '../../models/mae-config.js';

/** What a pretraining's recipe is chosen and fitted by. */
export interface PretrainRecipeContext {
  /** The model as the settings have it, before any recipe. */
  readonly model: MaeConfig;
  /** Dimensions that the settings name, one by one or by a preset: a recipe chooses the others. */
  readonly fixed: Partial<MaeConfig>;
  /** The training pictures in numbers; undefined where a configuration is written before there are any. */
  readonly data: DataMeasures | undefined;
}

export interface PretrainRecipe {
  /** Where its settings come from. */
  readonly source: string;
  /** Part of the configuration of `pretrain`, as plain data. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What is laid over them, for what depends on the data and the model. */
  fit?(context: PretrainRecipeContext): FittedSettings;
}

/** Pictures from which on the published settings are the better start, and the width from which on models need them. */
const MANY_PICTURES = 100_000;
const WIDE_MODEL = 768;

/** Sides of a crop in pixels. */
const SMALLEST_CROP = 64;
const LARGEST_CROP = 160;
/** Blocks of an encoder whose size nobody named. */
const BLOCKS = 4;

/** Settings of a pretraining by name: `small-data` of our own, `official` the paper's. */
export const pretrainRecipes: Readonly<Record<string, PretrainRecipe>> = {
  official: {
    source: 'facebookresearch/mae, PRETRAIN.md; He et al. 2022, Table 8',
    // The rest are the defaults.
    settings: { epochs: 800, normPixLoss: true },
  },
  'small-data': {
    source: 'our own: small batches, a shallow decoder and a fast rate, for hundreds to tens of thousands of pictures',
    settings: {
      epochs: 200,
      batchSize: 8,
      normPixLoss: false,
      attentionInit: 'tied',
      optimizer: { lr: 1e-3, weightDecay: 0.05, betas: [0.9, 0.95], clipGrad: 1 },
    },
    fit: fitSmallData,
  },
};

/** The recipe to start from where none is named. */
export function defaultPretrainRecipe({ model, data }: PretrainRecipeContext): string {
  const isMuch = data !== undefined && data.pictures >= MANY_PICTURES;
  return isMuch || model.embedDim >= WIDE_MODEL ? 'official' : 'small-data';
}

function fitSmallData({ model, fixed, data }: PretrainRecipeContext): FittedSettings {
  const depth = fixed.depth ?? BLOCKS;
  const side = fixed.imageSize === undefined ? cropFor(data, model.patchSize) : Math.max(...fixed.imageSize);
  return {
    settings: {
      model: {
        ...(fixed.depth === undefined ? { depth } : {}),
        ...(fixed.decoderDepth === undefined ? { decoderDepth: 1 } : {}),
        ...(fixed.imageSize === undefined ? { imageSize: side } : {}),
      },
    },
    because: `${depth} blocks, crops of ${side} px`,
  };
}

/** Crops as large as the pictures, within what a small machine takes many of. */
function cropFor(data: DataMeasures | undefined, patchSize: number): number {
  const shorter =
    data?.width === undefined || data.height === undefined ? LARGEST_CROP : Math.min(data.width, data.height);
  const side = Math.min(LARGEST_CROP, Math.max(SMALLEST_CROP, shorter));
  return patchSize * Math.max(1, Math.floor(side / patchSize));
}
