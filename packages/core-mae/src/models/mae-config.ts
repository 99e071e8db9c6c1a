import type { MaskStrategy } from './masking.js';
import type { VitConfig } from '../contracts/backbone.js';

/** A masked autoencoder's dimensions: the encoder's, and those of the decoder (He et al. 2022, §3 and Table 1). */
export interface MaeConfig extends VitConfig {
  readonly decoderEmbedDim: number;
  readonly decoderDepth: number;
  readonly decoderNumHeads: number;
}

/** What is removed and what is compared. */
export interface MaskOptions {
  /** Share of the patches that is removed. Default 0.75 (§3). */
  readonly maskRatio: number;
  /** Default `random`. */
  readonly maskStrategy: MaskStrategy;
  /** Whether each patch of the target is normalised by its own mean and deviation (§4.1, "Reconstruction target"). */
  readonly normPixLoss: boolean;
  /** Patches that the loss covers: only removed ones (the paper's), or all of them. Default `removed`. */
  readonly lossPatches: 'removed' | 'all';
  /**
   * Whether the encoder sees mask tokens in place of removed patches, and the decoder then none of its own: the
   * ablation of Table 1c. Slower and less accurate. Default false.
   */
  readonly encodeMaskTokens: boolean;
}

export const defaultMaskOptions: MaskOptions = {
  maskRatio: 0.75,
  maskStrategy: 'random',
  normPixLoss: true,
  lossPatches: 'removed',
  encodeMaskTokens: false,
};
