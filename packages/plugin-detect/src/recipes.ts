import type { Recipe, RecipeContext } from '@mae-tasks/core-mae/task';
import { fitOneStage } from './fit-one-stage.js';
import type { DetectSettings } from './settings.js';

/** Optimizer steps of the published 100 epochs, and their warm-up. */
const STEPS = 184_375;
const WARMUP_STEPS = 250;

/**
 * Published settings: pictures of 1024 pixels, 64 of them a step, one in each pass as on as many GPUs; a rate of 1e-4,
 * which falls at 88.9 % and 96.3 % of the training.
 */
const published = (
  file: string,
  { epochs, layerDecay, dropPath }: { epochs: number; layerDecay: number; dropPath: number },
  detect: Readonly<Record<string, unknown>> = {},
): Recipe => ({
  source: `detectron2, projects/ViTDet/configs/COCO/${file}; Li et al. 2022, Table 8`,
  settings: {
    epochs,
    dropPath,
    batchSize: 1,
    accumIter: 64,
    model: { imageSize: 1024 },
    optimizer: {
      name: 'adamw',
      // 1e-4 for 64 pictures a step, where rates are scaled from 256.
      blr: 4e-4,
      layerDecay,
      weightDecay: 0.1,
      betas: [0.9, 0.999],
      minLr: 0,
      schedule: 'step',
      milestones: [163_889 / STEPS, 177_546 / STEPS],
      gamma: 0.1,
      warmupEpochs: (100 * WARMUP_STEPS) / STEPS,
    },
    detect: { head: 'two-stage', positionGrid: [14, 14], augmentation: { scale: [0.1, 2], flip: 0.5 }, ...detect },
  },
});

const base = { epochs: 100, layerDecay: 0.7, dropPath: 0.1 };
const large = { epochs: 100, layerDecay: 0.8, dropPath: 0.4 };
const huge = { epochs: 75, layerDecay: 0.9, dropPath: 0.5 };

/** Published settings by name, and one of our own for small data and machines. */
export const detectRecipes: Readonly<Record<string, Recipe>> = {
  'vitdet-b': published('mask_rcnn_vitdet_b_100ep.py', base),
  'vitdet-l': published('mask_rcnn_vitdet_l_100ep.py', large),
  'vitdet-h': published('mask_rcnn_vitdet_h_75ep.py', huge, { decayNorms: true }),
  'cascade-vitdet-b': published('cascade_mask_rcnn_vitdet_b_100ep.py', base, { cascade: true }),
  'cascade-vitdet-l': published('cascade_mask_rcnn_vitdet_l_100ep.py', large, { cascade: true }),
  'cascade-vitdet-h': published('cascade_mask_rcnn_vitdet_h_75ep.py', huge, { cascade: true, decayNorms: true }),
  'one-stage': {
    source:
      'our own: one stage, small batches and a fast rate, for hundreds or thousands of pictures and small machines; size of the pictures and levels by the objects',
    settings: {
      epochs: 50,
      dropPath: 0,
      batchSize: 4,
      optimizer: {
        name: 'adamw',
        // 1e-3 for 4 pictures a step.
        blr: 6.4e-2,
        layerDecay: 1,
        weightDecay: 0.05,
        betas: [0.9, 0.99],
        minLr: 0,
        schedule: 'cosine',
        warmupEpochs: 1,
        clipGrad: 5,
        ema: 0.98,
      },
      detect: {
        head: 'one-stage',
        scoreThreshold: 0.01,
        augmentation: { scale: [0.7, 1.3], translate: 0.1, flip: 0.5 },
      },
    },
    fit: fitOneStage,
  },
  small: {
    source: 'our own: narrower heads, fewer proposals and milder jitter, for small pictures and few of them',
    settings: {
      epochs: 50,
      dropPath: 0.1,
      batchSize: 8,
      optimizer: {
        name: 'adamw',
        // 2e-4 for 8 pictures a step.
        blr: 6.4e-3,
        layerDecay: 0.8,
        weightDecay: 0.1,
        betas: [0.9, 0.999],
        minLr: 0,
        schedule: 'step',
        milestones: [0.8, 0.95],
        gamma: 0.1,
        warmupEpochs: 1,
        clipGrad: 1,
      },
      detect: {
        head: 'two-stage',
        pyramidChannels: 128,
        rpn: {
          train: { beforeNms: 1000, afterNms: 500 },
          test: { beforeNms: 500, afterNms: 200 },
        },
        boxHead: { numConvs: 2, convChannels: 128, hiddenFeatures: 512, proposalsPerImage: 128 },
        maskHead: { numConvs: 2, convChannels: 128 },
        augmentation: { scale: [0.5, 1.5], flip: 0.5 },
      },
    },
  },
};

/**
 * Below ViT-B one stage, unless settings or checkpoint are of two, from there on the published one; for two stages below
 * it, the small one.
 */
export function defaultDetectRecipe(context: RecipeContext<DetectSettings>): string {
  const { vit, settings, pretrained } = context;
  const isSmall = vit.embedDim < 768;
  const asksForTwo = settings.cascade || settings.neck === 'fpn';
  const head =
    settings.head ??
    headOf(pretrained ?? []) ??
    (asksForTwo || !isSmall ? ('two-stage' as const) : ('one-stage' as const));
  if (head === 'one-stage') return 'one-stage';
  return isSmall ? 'small' : officialDetectRecipe(context);
}

/** The head that a checkpoint's parameters are of; undefined where it is no detector's. */
function headOf(names: readonly string[]): DetectSettings['head'] | undefined {
  if (names.some((name) => name.startsWith('proposal_generator.'))) return 'two-stage';
  return names.some((name) => name.startsWith('bbox_head.')) ? 'one-stage' : undefined;
}

/** ViTDet's, of the nearest size. */
export function officialDetectRecipe({ vit: { embedDim } }: RecipeContext<DetectSettings>): string {
  if (embedDim >= 1280) return 'vitdet-h';
  return embedDim >= 1024 ? 'vitdet-l' : 'vitdet-b';
}
