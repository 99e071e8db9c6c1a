import type { FittedSettings, Recipe, RecipeContext } from '@mae-tasks/core-mae/task';
import type { SegmentSettings } from './settings.js';

/** Pictures of ADE20K's training set. */
const ADE20K = 20_210;
const iterations = (count: number, batchSize: number): number => Math.round((100 * count * batchSize) / ADE20K) / 100;

const adamw = { name: 'adamw', layerDecay: 0.65, weightDecay: 0.05, betas: [0.9, 0.999], minLr: 0 };

/** Published settings by name, and two of our own. */
export const segmentRecipes: Readonly<Record<string, Recipe>> = {
  deconv: {
    source: 'our own: rates, decay and schedule of ade20k-base, for any data',
    settings: {
      epochs: 50,
      batchSize: 16,
      dropPath: 0.1,
      // 1e-4 for 16 pictures.
      optimizer: { ...adamw, blr: 1.6e-3, schedule: 'poly', power: 1 },
    },
  },
  'small-data': {
    source:
      'our own: a fast rate, overlap in the loss and convolutions on the pixels beside the encoder, for hundreds or thousands of pictures and small models',
    settings: {
      epochs: 50,
      // More steps say more than more pictures in each.
      batchSize: 2,
      dropPath: 0,
      optimizer: { name: 'adamw', lr: 1e-3, weightDecay: 0.05, betas: [0.9, 0.99], minLr: 0, clipGrad: 5, ema: 0.98 },
      segment: {
        // Evens out how bright pictures are, so that dark ones are learned at once.
        norm: 'group',
        loss: { dice: 1 },
        augmentation: { scale: [0.75, 1.33] },
      },
    },
    fit: fitSmallData,
  },
  'ade20k-base': {
    source:
      'open-mmlab/mmsegmentation, configs/mae/mae-base_upernet_8xb2-amp-160k_ade20k-512x512.py with ' +
      'configs/_base_/models/upernet_mae.py and configs/_base_/datasets/ade20k.py (in fp32, iterations as epochs)',
    settings: {
      model: { imageSize: [512, 512] },
      batchSize: 16,
      epochs: Math.round(iterations(160_000, 16)),
      dropPath: 0.1,
      optimizer: { ...adamw, lr: 1e-4, schedule: 'poly', power: 1, warmupEpochs: iterations(1500, 16) },
      evaluation: { everyEpochs: 10 },
      segment: {
        decoder: 'upernet',
        norm: 'batch',
        dropout: 0.1,
        auxiliary: { weight: 0.4, channels: 256 },
        augmentation: { scale: [0.5, 2], catMaxRatio: 0.75, flip: 0.5, photometric: true },
        inference: { mode: 'slide', stride: 341 },
      },
    },
  },
};

/** Pictures from which on the published settings are the better start, and the width from which on models need them. */
const MANY_PICTURES = 10_000;
const WIDE_MODEL = 768;

/** For few pictures and small models our own; else the rates of the published one with a small decoder. */
export function defaultSegmentRecipe({ vit, data, settings }: RecipeContext<SegmentSettings>): string {
  const isMuch = data !== undefined && data.pictures >= MANY_PICTURES;
  // Another decoder is somebody's own plan.
  return isMuch || vit.embedDim >= WIDE_MODEL || settings.decoder !== 'deconv' ? 'deconv' : 'small-data';
}

/** Sides of the crops that a small machine trains on, and what they are multiples of. */
const SMALLEST_SIDE = 128;
const LARGEST_SIDE = 256;
const SIDE_UNIT = 32;
/** Pixels that small objects should have left when the picture is scaled. */
const WANTED_OBJECT_SIDE = 24;
/** Pixels between two classes, which are interpolated in between: half of that costs three times as much. */
const FINEST = 4;
/** Blocks of an encoder that starts from random weights, and channels of the decoder's stages. */
const BLOCKS = 4;
const CHANNELS = [96, 48];
const DETAIL = 32;

/** Crop, scale and resolution of the decoder by the size of the pictures and of the objects on them. */
function fitSmallData({ fixed, vit, pretrained, data }: RecipeContext): FittedSettings {
  const patchSize = fixed.patchSize ?? vit.patchSize;
  const depth = fixed.depth ?? BLOCKS;
  const { width, height, objectSide } = data ?? {};
  const shorterSide = width === undefined || height === undefined ? undefined : Math.min(width, height);
  const shorter = shorterSide === undefined ? undefined : scaledSide(shorterSide, objectSide);
  const side = fixed.imageSize === undefined ? cropSide(shorter, patchSize) : Math.max(...fixed.imageSize);
  const objects = objectSide === undefined || shorter === undefined ? undefined : (objectSide * shorter) / shorterSide!;
  const numStages = Math.min(CHANNELS.length, Math.max(1, Math.round(Math.log2(patchSize / FINEST))));
  return {
    settings: {
      model: {
        ...(fixed.imageSize === undefined ? { imageSize: side } : {}),
        ...(fixed.depth === undefined ? { depth } : {}),
      },
      optimizer: { layerDecay: pretrained !== undefined ? 0.8 : 1 },
      segment: {
        deconv: { channels: CHANNELS.slice(0, numStages), detail: DETAIL },
        augmentation: { shorter: shorter ?? null },
        inference: { stride: side },
      },
    },
    because: [
      pretrained !== undefined ? 'from the checkpoint' : `${depth} blocks from random weights`,
      `crops of ${side} px${shorter === undefined ? '' : ` of pictures of ${shorter} px`}`,
      ...(objects === undefined
        ? []
        : [`regions of ${Math.round(objects)} px and more: a class every ${patchSize / 2 ** numStages} px`]),
    ].join(', '),
  };
}

/** The shorter side of the pictures: no larger than they are, nor than small objects need or a small machine can take. */
function scaledSide(shorter: number, objectSide: number | undefined): number {
  const wanted = objectSide === undefined ? LARGEST_SIDE : (WANTED_OBJECT_SIDE * shorter) / objectSide;
  return Math.round(Math.min(shorter, 2 * LARGEST_SIDE, Math.max(SMALLEST_SIDE, wanted)));
}

function cropSide(shorter: number | undefined, patchSize: number): number {
  const unit = SIDE_UNIT % patchSize === 0 ? SIDE_UNIT : patchSize;
  const side = Math.min(LARGEST_SIDE, Math.max(SMALLEST_SIDE, shorter ?? LARGEST_SIDE));
  return unit * Math.ceil(side / unit);
}
