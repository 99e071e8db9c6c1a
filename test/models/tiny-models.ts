import type { VitConfig } from '#core/contracts/backbone.js';

/** An encoder that is tiny in every dimension. */
export const TINY_VIT = {
  imageSize: [16, 16],
  patchSize: 4,
  inChannels: 3,
  embedDim: 16,
  depth: 2,
  numHeads: 2,
  mlpRatio: 4,
} as const satisfies VitConfig;

/** Settings of a pretraining of such an encoder. */
export const TINY_PRETRAINING = {
  model: {
    imageSize: 16,
    patchSize: 4,
    embedDim: 16,
    depth: 2,
    numHeads: 2,
    decoderEmbedDim: 8,
    decoderDepth: 1,
    decoderNumHeads: 2,
  },
  epochs: 3,
  batchSize: 4,
  seed: 7,
} as const;
