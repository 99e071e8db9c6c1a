import type { MaeConfig } from './mae-config.js';

export type PresetName = 'tiny' | 'small' | 'base' | 'large' | 'huge';

const common = { imageSize: [224, 224], patchSize: 16, inChannels: 3, mlpRatio: 4 } as const;
const paperDecoder = { decoderEmbedDim: 512, decoderDepth: 8, decoderNumHeads: 16 } as const;

/**
 * Model sizes by name. `base`, `large` and `huge` are the paper's (ViT: Dosovitskiy et al. 2021, Table 1; decoder: He
 * et al. 2022, Table 1; official models_mae.py). `tiny` and `small` have the encoders of DeiT (Touvron et al. 2021,
 * Table 1) and decoders scaled down with them, for few pictures and small machines.
 */
export const presets: Readonly<Record<PresetName, MaeConfig>> = {
  tiny: { ...common, embedDim: 192, depth: 12, numHeads: 3, decoderEmbedDim: 128, decoderDepth: 4, decoderNumHeads: 4 },
  small: {
    ...common,
    embedDim: 384,
    depth: 12,
    numHeads: 6,
    decoderEmbedDim: 256,
    decoderDepth: 4,
    decoderNumHeads: 8,
  },
  base: { ...common, embedDim: 768, depth: 12, numHeads: 12, ...paperDecoder },
  large: { ...common, embedDim: 1024, depth: 24, numHeads: 16, ...paperDecoder },
  huge: { ...common, patchSize: 14, embedDim: 1280, depth: 32, numHeads: 16, ...paperDecoder },
};

export const PRESET_NAMES = Object.keys(presets) as PresetName[];
