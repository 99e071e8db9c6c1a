import type { Recipe } from '@mae-tasks/core-mae/task';

/** Pictures of ADE20K's training set. */
const ADE20K = 20_210;
const iterations = (count: number, batchSize: number): number => Math.round((100 * count * batchSize) / ADE20K) / 100;

const adamw = { name: 'adamw', layerDecay: 0.65, weightDecay: 0.05, betas: [0.9, 0.999], minLr: 0 };

/** Published settings by name, and one of our own for small data and machines. */
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
