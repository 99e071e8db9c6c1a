import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import type { ServiceIdentifier } from 'inversify';
import type { NamedTensors } from './engine.js';
import type { ParameterSpecs } from './parameters.js';

/** The dimensions of a plain vision transformer (Dosovitskiy et al. 2021, Table 1). */
export interface VitConfig {
  /** `[height, width]` in pixels. */
  readonly imageSize: readonly [number, number];
  /** Side of a square patch in pixels; divides both sides of the picture. */
  readonly patchSize: number;
  readonly inChannels: number;
  readonly embedDim: number;
  readonly depth: number;
  readonly numHeads: number;
  /** Hidden width of the MLPs over `embedDim`. */
  readonly mlpRatio: number;
  /** Added to the variance in the layer norms of the blocks and the one behind them. Default 1e-6, the official code's. */
  readonly layerNormEps?: number | undefined;
}

export interface EncodeOptions {
  /** `[depth, 2, B]`: drop-path keep scales of each block's two branches; absent, nothing is dropped. */
  readonly dropPathScales?: Tensor3D | undefined;
  /** Called with each block's output `[N, B, D]`, for heads that read several depths. */
  readonly onBlock?: ((index: number, tokens: Tensor3D) => void) | undefined;
}

/** A pretrained encoder that tasks put their heads on. */
export interface Backbone {
  /** For `model.backbone`: "vit". */
  readonly name: string;
  /** The encoder's parameters for fine-tuning under the checkpoint's names, without a final norm. */
  parameters(config: VitConfig): ParameterSpecs;
  /** Tokens before the final norm, tokens first: `[B, H, W, C]` → `[1 + L, B, D]`, the class token at place 0. */
  encode(parameters: NamedTensors, images: Tensor4D, config: VitConfig, options?: EncodeOptions): Tensor3D;
  /**
   * The layer that a parameter belongs to: 0 for the embedding, `i + 1` for block `i`; undefined for parameters that
   * are not the backbone's.
   */
  layerOf(parameter: string, config: VitConfig): number | undefined;
  /** What a pretraining's checkpoint holds besides the encoder: names, or prefixes that end with a dot. */
  readonly pretrainingOnly: readonly string[];
}

export const Backbone: ServiceIdentifier<Backbone> = Symbol.for('mae:Backbone');
