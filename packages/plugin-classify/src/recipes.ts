import type { FittedSettings, Recipe, RecipeContext } from '@mae-tasks/core-mae/task';
import type { ClassifySettings } from './settings.js';

/**
 * The commands of FINETUNE.md, whose numbers belong to the published checkpoints (`--norm_pix_loss`) and differ slightly
 * from the paper's Table 9, as its notes say. What the commands leave out is main_finetune.py's default.
 */
const FINETUNE =
  'facebookresearch/mae, FINETUNE.md "Fine-tuning" and main_finetune.py; compare He et al. 2022, Table 9';
const PROBE = 'facebookresearch/mae, FINETUNE.md "Linear Probing" and main_linprobe.py; He et al. 2022, Table 10';

/** `--mixup 0.8 --cutmix 1.0 --reprob 0.25`, and the defaults `--smoothing 0.1`, `--aa rand-m9-mstd0.5-inc1`. */
const shared = {
  pool: 'mean',
  mixup: 0.8,
  cutmix: 1,
  labelSmoothing: 0.1,
  augmentation: { randAugment: 'rand-m9-mstd0.5-inc1', randomErasing: 0.25 },
};
/** The published runs have an effective batch of 1,024 pictures. */
const finetune = (blr: number, layerDecay: number, dropPath: number, epochs: number): Recipe => ({
  source: FINETUNE,
  settings: {
    epochs,
    dropPath,
    optimizer: { name: 'adamw', blr, layerDecay, weightDecay: 0.05, betas: [0.9, 0.999], minLr: 1e-6 },
    classify: shared,
  },
});

/** No augmentation, so that each picture is encoded once: a departure from the published probe, which crops and flips. */
const plain = { cropScale: null, flip: 0, randAugment: null, randomErasing: 0 };
const probeHead = { labelSmoothing: 0, mixup: 0, cutmix: 0 };
/**
 * `--blr 0.1 --weight_decay 0.0 --cls_token`, at an effective batch of 16,384 pictures; crop and flip are the whole
 * augmentation of main_linprobe.py, its loss a plain cross entropy.
 */
const larsProbe = (epochs: number): Recipe => ({
  source: PROBE,
  settings: {
    mode: 'linear-probe',
    epochs,
    dropPath: 0,
    optimizer: { name: 'lars', blr: 0.1, weightDecay: 0, momentum: 0.9, minLr: 0, layerDecay: 1 },
    classify: {
      ...probeHead,
      pool: 'class-token',
      augmentation: { cropScale: [0.08, 1], flip: 0.5, randAugment: null, randomErasing: 0 },
    },
  },
});

/** Published settings by name, and one of our own for small data and machines. */
export const classifyRecipes: Readonly<Record<string, Recipe>> = {
  base: finetune(5e-4, 0.65, 0.1, 100),
  large: finetune(1e-3, 0.75, 0.2, 50),
  huge: finetune(1e-3, 0.75, 0.3, 50),
  'linear-probe-base': larsProbe(90),
  'linear-probe-large': larsProbe(50),
  'linear-probe-huge': larsProbe(50),
  'small-data': {
    source: 'our own: a fast rate and light augmentation, for hundreds or thousands of pictures and small models',
    settings: {
      epochs: 100,
      batchSize: 32,
      dropPath: 0,
      optimizer: { name: 'adamw', lr: 1e-3, weightDecay: 0.05, betas: [0.9, 0.999], minLr: 0, clipGrad: 1 },
      classify: {
        pool: 'mean',
        labelSmoothing: 0.1,
        mixup: 0,
        cutmix: 0,
        augmentation: { cropScale: [0.35, 1], flip: 0.5, randAugment: null, randomErasing: 0 },
      },
    },
    fit: fitSmallData,
  },
  'linear-probe-cached': {
    source: 'our own: AdamW on features that are computed once, of pictures without augmentation',
    settings: {
      mode: 'linear-probe',
      epochs: 50,
      dropPath: 0,
      optimizer: { name: 'adamw', blr: 1e-2, weightDecay: 0, minLr: 0, layerDecay: 1 },
      classify: { ...probeHead, pool: 'mean', augmentation: plain },
    },
  },
};

/** Pictures from which on the published settings are the better start, and the width from which on models need them. */
const MANY_PICTURES = 50_000;
const WIDE_MODEL = 768;

/** For few pictures and small models our own; probing starts from the cached one, whose batches need not be huge. */
export function defaultClassifyRecipe(context: RecipeContext<ClassifySettings>): string {
  const { mode, vit, data } = context;
  if (mode === 'linear-probe') return 'linear-probe-cached';
  const isMuch = data !== undefined && data.pictures >= MANY_PICTURES;
  return isMuch || vit.embedDim >= WIDE_MODEL ? officialClassifyRecipe(context) : 'small-data';
}

/** FINETUNE.md's, of the nearest size. */
export function officialClassifyRecipe({ mode, vit: { embedDim } }: RecipeContext<ClassifySettings>): string {
  const size = embedDim >= 1280 ? 'huge' : embedDim >= 1024 ? 'large' : 'base';
  return mode === 'linear-probe' ? `linear-probe-${size}` : size;
}

/** Sides of the pictures that a small machine trains on, and what they are multiples of. */
const SMALLEST_SIDE = 32;
const LARGEST_SIDE = 160;
/** Blocks of an encoder that starts from random weights. */
const BLOCKS = 6;
/** Sides up to which patches are smaller than usual. */
const TINY_SIDE = 48;
const SMALL_SIDE = 96;

function fitSmallData({ fixed, vit, pretrained, data }: RecipeContext): FittedSettings {
  // A checkpoint is used as it was trained.
  if (pretrained !== undefined) {
    return { settings: { optimizer: { layerDecay: 0.75 } }, because: 'from the checkpoint, pictures of its size' };
  }
  const shorter =
    data?.width === undefined || data.height === undefined ? undefined : Math.min(data.width, data.height);
  const wanted = Math.min(LARGEST_SIDE, Math.max(SMALLEST_SIDE, shorter ?? LARGEST_SIDE));
  const side = fixed.imageSize === undefined ? wanted : Math.max(...fixed.imageSize);
  const patchSize = fixed.patchSize ?? (side <= TINY_SIDE ? 4 : side <= SMALL_SIDE ? 8 : vit.patchSize);
  const imageSize = patchSize * Math.ceil(side / patchSize);
  const depth = fixed.depth ?? BLOCKS;
  return {
    settings: {
      model: {
        ...(fixed.imageSize === undefined ? { imageSize } : {}),
        ...(fixed.patchSize === undefined ? { patchSize } : {}),
        ...(fixed.depth === undefined ? { depth } : {}),
      },
      optimizer: { layerDecay: 1 },
      classify: { cropPct: 1 },
    },
    because: `${depth} blocks from random weights, pictures of ${imageSize} px in patches of ${patchSize}`,
  };
}
