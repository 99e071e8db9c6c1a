/*
 * models/: networks that read from top to bottom: the ViT (this file) and the MAE around it, their parts (patches,
 * positions, masking, windows), their batches, their sizes with the source.
 * Not here: heads: tasks bring theirs. Initial values and layers are `nn/`'s.
 * Called by: `train/pretraining`, the plugins' models (through a backbone), and scripts.
 */

import * as tf from '@tensorflow/tfjs';
import type { Backbone, EncodeOptions, VitConfig } from '../contracts/backbone.js';
import type { NamedTensors } from '../contracts/engine.js';
import { block, blockSpecs } from '../nn/block.js';
import { constant, normal } from '../nn/init.js';
import { layerNormSpecs } from '../nn/layer-norm.js';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { prefixed } from '../nn/params.js';
import type { PickedRows } from '../nn/rows.js';
import { scope } from '../nn/scope.js';
import { embedPatches, patchEmbedSpecs, patchify } from './patch-embed.js';
import { sinCosPosEmbed } from './pos-embed.js';
import { patchGrid, requireDivisible } from './vit-config.js';

/**
 * Which positions a ViT has: the fixed sine-cosine table of MAE, or a trainable one that starts as that table, as it does
 * when it comes from pretraining. (The official models_vit.py starts it as noise of 0.02, from which few steps
 * teach a model without pretraining hardly any position.)
 */
export type PosEmbedKind = 'sinCos' | 'learned';

/**
 * The encoder's parameters under the official names, without a final norm: `cls_token`, `pos_embed`, `patch_embed.*`,
 * `blocks.*`.
 *
 * @throws MaeError `CONFIG_INVALID`
 */
export function vitSpecs(config: VitConfig, posEmbed: PosEmbedKind): ParameterSpecs {
  const { embedDim, depth, mlpRatio, numHeads } = config;
  requireDivisible('embedDim', embedDim, 'numHeads', numHeads);
  const { height, width, numPatches } = patchGrid(config);
  const fixed = posEmbed === 'sinCos';
  return {
    cls_token: { shape: [1, 1, embedDim], init: normal(0.02) },
    pos_embed: {
      shape: [1, 1 + numPatches, embedDim],
      init: constant(sinCosPosEmbed(embedDim, height, width)),
      trainable: !fixed,
    },
    ...patchEmbedSpecs(config),
    ...stackSpecs('blocks.', depth, embedDim, mlpRatio),
  };
}

/** The final norm of the encoder: `norm.weight`, `norm.bias`. */
export function vitNormSpecs({ embedDim }: VitConfig): ParameterSpecs {
  return prefixed('norm.', layerNormSpecs(embedDim));
}

/** Parameters of a stack of blocks: `<prefix>0.…` to `<prefix><depth − 1>.…`. */
export function stackSpecs(prefix: string, depth: number, width: number, mlpRatio: number): ParameterSpecs {
  const specs: ParameterSpecs[] = [];
  for (let index = 0; index < depth; index++) specs.push(prefixed(`${prefix}${index}.`, blockSpecs(width, mlpRatio)));
  return Object.assign({}, ...specs) as ParameterSpecs;
}

export interface StackOptions extends EncodeOptions {
  readonly prefix: string;
  readonly depth: number;
  readonly numHeads: number;
  /** Of the blocks' layer norms. Default 1e-6. */
  readonly layerNormEps?: number | undefined;
  /** The tokens that are wanted of the last block; absent, all. */
  readonly wanted?: PickedRows | undefined;
}

/** Tokens after a stack of blocks: `[N, B, D]` → `[N, B, D]`, or `[M, B, D]` of the tokens `wanted`. */
export function runBlocks(parameters: NamedTensors, tokens: tf.Tensor3D, options: StackOptions): tf.Tensor3D {
  const { prefix, depth, numHeads, dropPathScales, onBlock, wanted, layerNormEps } = options;
  const scales = dropPathScales === undefined ? [] : (tf.unstack(dropPathScales) as tf.Tensor2D[]);
  let x = tokens;
  for (let index = 0; index < depth; index++) {
    const last = index === depth - 1;
    x = block(scope(parameters, `${prefix}${index}.`), x, {
      numHeads,
      keepScales: scales[index],
      layerNormEps,
      ...(last ? { wanted } : {}),
    });
    onBlock?.(index, x);
  }
  return x;
}

/**
 * All tokens of whole pictures before the final norm, tokens first: `[B, H, W, C]` → `[1 + L, B, D]`, the class token
 * at place 0. This is what a task's head is attached to.
 */
export function encodeImages(
  parameters: NamedTensors,
  images: tf.Tensor4D,
  config: VitConfig,
  options: EncodeOptions = {},
): tf.Tensor3D {
  const embedded = embedPatches(scope(parameters), patchify(images, config.patchSize)); // [L·B, D]
  const patches = tf.reshape<tf.Rank.R3>(embedded, [-1, images.shape[0], config.embedDim]);
  return encodePatches(parameters, patches, config, options);
}

/** All tokens before the final norm, from embedded patches without positions: `[L, B, D]` → `[1 + L, B, D]`. */
export function encodePatches(
  parameters: NamedTensors,
  patches: tf.Tensor3D,
  { depth, numHeads, layerNormEps }: VitConfig,
  options: EncodeOptions,
): tf.Tensor3D {
  const parameter = scope(parameters);
  const tokens = addPositions(prependClsToken(parameter<tf.Tensor3D>('cls_token'), patches), parameter('pos_embed'));
  return runBlocks(parameters, tokens, { prefix: 'blocks.', depth, numHeads, layerNormEps, ...options });
}

/** `[1, 1, D]`, `[N, B, D]` → `[1 + N, B, D]`: the class token before each picture's tokens. */
export function prependClsToken(clsToken: tf.Tensor3D, tokens: tf.Tensor3D): tf.Tensor3D {
  return tf.concat([tf.tile(clsToken, [1, tokens.shape[1], 1]), tokens], 0);
}

/** `[N, B, D]` plus a table `[1, N, D]`, the same for every picture. */
export function addPositions(tokens: tf.Tensor3D, posEmbed: tf.Tensor): tf.Tensor3D {
  return tf.add(tokens, tf.reshape(posEmbed, [tokens.shape[0], 1, tokens.shape[2]]));
}

/** MAE's own encoder as tasks use it: positions are trained with the rest (official models_vit.py). */
export const vitBackbone: Backbone = {
  name: 'vit',
  parameters: (config) => vitSpecs(config, 'learned'),
  encode: encodeImages,
  layerOf: (name) => vitLayerOf(name),
  pretrainingOnly: [
    'mask_token',
    'encoder_mask_token',
    'decoder_pos_embed',
    'decoder_embed.',
    'decoder_blocks.',
    'decoder_norm.',
    'decoder_pred.',
  ],
};

/** 0 for the embedding, `i + 1` for block `i`, undefined for what comes after (official util/lr_decay.py). */
export function vitLayerOf(name: string): number | undefined {
  if (name === 'cls_token' || name === 'pos_embed' || name.startsWith('patch_embed.')) return 0;
  const block = /^blocks\.(\d+)\./.exec(name);
  return block === null ? undefined : Number(block[1]) + 1;
}
