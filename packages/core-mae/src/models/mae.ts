import * as tf from '@tensorflow/tfjs';
import type { NamedTensors, TensorFunction } from '../contracts/engine.js';
import { MaeError } from '../base/errors.js';
import { constant, normal } from '../nn/init.js';
import { layerNorm, layerNormSpecs } from '../nn/layer-norm.js';
import { linear, linearSpecs } from '../nn/linear.js';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { prefixed } from '../nn/params.js';
import { type PickedRows, pickTokens, spreadRows } from '../nn/rows.js';
import { scope } from '../nn/scope.js';
import type { MaeConfig, MaskOptions } from './mae-config.js';
import { embedPatches, patchify } from './patch-embed.js';
import { sinCosPosEmbed } from './pos-embed.js';
import { patchGrid, requireDivisible } from './vit-config.js';
import { addPositions, prependClsToken, runBlocks, stackSpecs, vitNormSpecs, vitSpecs } from './vit.js';

/** Added to a patch's variance before its root is taken (official `forward_loss`). */
export const PATCH_VARIANCE_EPS = 1e-6;

/**
 * The parameters of a masked autoencoder under the official names (models_mae.py), initialised as there.
 *
 * @throws MaeError `CONFIG_INVALID`
 */
export function maeSpecs(
  config: MaeConfig,
  { encodeMaskTokens }: Pick<MaskOptions, 'encodeMaskTokens'>,
): ParameterSpecs {
  const { embedDim, decoderEmbedDim, decoderDepth, decoderNumHeads, mlpRatio } = config;
  requireDivisible('decoderEmbedDim', decoderEmbedDim, 'decoderNumHeads', decoderNumHeads);
  const { height, width, numPatches, patchValues } = patchGrid(config);
  const { cls_token, pos_embed, ...rest } = vitSpecs(config, 'sinCos');
  return {
    cls_token: cls_token!,
    pos_embed: pos_embed!,
    ...(encodeMaskTokens
      ? { encoder_mask_token: { shape: [1, 1, embedDim], init: normal(0.02) } }
      : { mask_token: { shape: [1, 1, decoderEmbedDim], init: normal(0.02) } }),
    decoder_pos_embed: {
      shape: [1, 1 + numPatches, decoderEmbedDim],
      init: constant(sinCosPosEmbed(decoderEmbedDim, height, width)),
      trainable: false,
    },
    ...rest,
    ...vitNormSpecs(config),
    ...prefixed('decoder_embed.', linearSpecs(embedDim, decoderEmbedDim)),
    ...stackSpecs('decoder_blocks.', decoderDepth, decoderEmbedDim, mlpRatio),
    ...prefixed('decoder_norm.', layerNormSpecs(decoderEmbedDim)),
    ...prefixed('decoder_pred.', linearSpecs(decoderEmbedDim, patchValues)),
  };
}

/** Whether a parameter belongs to the encoder, the part that transfers. */
export function isEncoderParameter(name: string): boolean {
  return !name.startsWith('decoder_') && name !== 'mask_token' && name !== 'encoder_mask_token';
}

/**
 * The pretraining objective as a function to compile; its batch is described by `maeBatchSpec`.
 *
 * Outputs: `loss`, the mean squared error over the compared patches (scalar), `lossPerImage` `[B]`, and `patchMeanLoss`,
 * what `loss` would be for a model that says the mean of every compared patch: it has learned nothing of their inside.
 *
 * Predictions are made only for patches that the loss covers, and the decoder's last block asks only for them: the rest
 * changes neither loss nor gradient.
 */
export function maeLoss(config: MaeConfig, options: MaskOptions): TensorFunction {
  if (options.maskRatio === 0 && options.lossPatches === 'removed') {
    throw new MaeError('CONFIG_INVALID', {
      what: '`maskRatio` (=0) removes no patch, so a loss on removed patches is undefined',
      fix: 'raise `maskRatio`, or set `lossPatches: all`',
    });
  }
  return (parameters, batch) => {
    const patches = patchesOf(batch, config); // [L·B, P]
    const latent = encodeVisible(parameters, batch, patches, config, options);
    const removedOnly = options.lossPatches === 'removed';
    const removed = { rows: batch.removedPlaces as tf.Tensor1D, places: batch.removedRows as tf.Tensor1D };
    const compared = removedOnly
      ? decode(parameters, latent, batch, config, { ...options, wanted: removed })
      : withoutClsToken(decode(parameters, latent, batch, config, options), patches.shape[0]);
    const target = removedOnly ? tf.gather(patches, batch.removedPatches as tf.Tensor1D) : patches;
    const wanted = options.normPixLoss ? normalizePatches(target) : target;
    const difference = tf.sub(predict(parameters, compared, config), wanted);
    const lossPerPatch = tf.mean(tf.square(difference), -1);
    const lossPerImage = tf.mean(tf.reshape(lossPerPatch, [-1, batch.images!.shape[0]]), 0);
    return { loss: tf.mean(lossPerImage), lossPerImage, patchMeanLoss: patchMeanLoss(wanted, config, options) };
  };
}

/**
 * The reconstruction as a function to compile, for drawing and for tests.
 *
 * Outputs: `prediction` `[L, B, P]` for all patches (in the target's units: normalised under `normPixLoss`), and
 * `latent` `[1 + K, B, D]`, the encoder's tokens after its norm.
 */
export function maeReconstruction(config: MaeConfig, options: MaskOptions): TensorFunction {
  return (parameters, batch) => {
    const patches = patchesOf(batch, config);
    const latent = encodeVisible(parameters, batch, patches, config, options);
    const decoded = decode(parameters, latent, batch, config, options);
    const prediction = predict(parameters, withoutClsToken(decoded, patches.shape[0]), config);
    const batchSize = batch.images!.shape[0];
    return { prediction: tf.reshape(prediction, [-1, batchSize, patches.shape[1]]), latent };
  };
}

/** `[R, P]` → `[R, P]`: each patch minus its mean, over its deviation with the unbiased variance (`forward_loss`). */
function normalizePatches(patches: tf.Tensor2D): tf.Tensor2D {
  const values = patches.shape[1];
  const centered = tf.sub(patches, tf.mean(patches, -1, true));
  const variance = tf.div(tf.sum(tf.square(centered), -1, true), values - 1);
  return tf.div(centered, tf.sqrt(tf.add(variance, PATCH_VARIANCE_EPS)));
}

/**
 * Mean squared deviation of patches `[R, P]` from their means: from each channel's own, which is one flat colour; of
 * normalised patches from 0, which leaves 1 minus what the normalisation's `eps` takes.
 */
function patchMeanLoss(
  patches: tf.Tensor2D,
  { inChannels }: Pick<MaeConfig, 'inChannels'>,
  { normPixLoss }: Pick<MaskOptions, 'normPixLoss'>,
): tf.Scalar {
  if (normPixLoss) return tf.mean(tf.square(patches));
  const pixels = tf.reshape(patches, [patches.shape[0], -1, inChannels]);
  return tf.mean(tf.square(tf.sub(pixels, tf.mean(pixels, 1, true))));
}

function patchesOf(batch: NamedTensors, { patchSize }: MaeConfig): tf.Tensor2D {
  return patchify(batch.images as tf.Tensor4D, patchSize);
}

/** `[1 + K, B, D]`, or `[1 + L, B, D]` with mask tokens in the encoder; after the encoder's norm. */
function encodeVisible(
  parameters: NamedTensors,
  batch: NamedTensors,
  patches: tf.Tensor2D,
  config: MaeConfig,
  { encodeMaskTokens }: MaskOptions,
): tf.Tensor3D {
  const { embedDim, depth, numHeads, layerNormEps } = config;
  const parameter = scope(parameters);
  const batchSize = batch.images!.shape[0];
  const posEmbed = parameter<tf.Tensor3D>('pos_embed');
  const visible = tf.gather(patches, batch.visiblePatches as tf.Tensor1D);
  const embedded = embedPatches(parameter, visible); // [K·B, D]
  const grouped = (rows: tf.Tensor2D): tf.Tensor3D => tf.reshape(rows, [-1, batchSize, embedDim]);
  const clsToken = parameter<tf.Tensor3D>('cls_token');

  let tokens: tf.Tensor3D;
  if (encodeMaskTokens) {
    const seen = tf.reshape<tf.Rank.R2>(prependClsToken(clsToken, grouped(embedded)), [-1, embedDim]);
    tokens = addPositions(grouped(spread(seen, parameter('encoder_mask_token'), batch)), posEmbed);
  } else {
    // The class token's row of the table is zero in MAE, but a loaded table may say otherwise.
    const table = tf.reshape<tf.Rank.R2>(posEmbed, [-1, embedDim]);
    const positioned = tf.add<tf.Tensor2D>(embedded, tf.gather(table, batch.visiblePositions as tf.Tensor1D));
    const clsPosition = tf.reshape(tf.slice(table, [0, 0], [1, embedDim]), [1, 1, embedDim]);
    tokens = prependClsToken(tf.add(clsToken, clsPosition), grouped(positioned));
  }
  const encoded = runBlocks(parameters, tokens, { prefix: 'blocks.', depth, numHeads, layerNormEps });
  return layerNorm(encoded, parameter('norm.weight'), parameter('norm.bias'), layerNormEps) as tf.Tensor3D;
}

/** Encoded tokens → decoder tokens before the decoder's norm, `[(1 + L)·B, decoderEmbedDim]`, or those `wanted`. */
function decode(
  parameters: NamedTensors,
  latent: tf.Tensor3D,
  batch: NamedTensors,
  config: MaeConfig,
  { encodeMaskTokens, wanted }: MaskOptions & { readonly wanted?: PickedRows },
): tf.Tensor2D {
  const { decoderEmbedDim, decoderDepth, decoderNumHeads, layerNormEps } = config;
  const parameter = scope(parameters);
  const batchSize = batch.images!.shape[0];
  const projected = linear(
    tf.reshape(latent, [-1, latent.shape[2]]),
    parameter<tf.Tensor2D>('decoder_embed.weight'),
    parameter<tf.Tensor1D>('decoder_embed.bias'),
  ) as tf.Tensor2D;
  const whole = encodeMaskTokens ? projected : spread(projected, parameter('mask_token'), batch);
  const tokens = addPositions(
    tf.reshape<tf.Rank.R3>(whole, [-1, batchSize, decoderEmbedDim]),
    parameter('decoder_pos_embed'),
  );
  const stack = { prefix: 'decoder_blocks.', depth: decoderDepth, numHeads: decoderNumHeads, layerNormEps, wanted };
  const decoded =
    decoderDepth === 0 && wanted !== undefined ? pickTokens(tokens, wanted) : runBlocks(parameters, tokens, stack);
  return tf.reshape(decoded, [-1, decoderEmbedDim]);
}

/** Seen tokens `[(1 + K)·B, D]` at their places, a mask token everywhere else: `[(1 + L)·B, D]`. */
function spread(seen: tf.Tensor2D, maskToken: tf.Tensor, batch: NamedTensors): tf.Tensor2D {
  return spreadRows(seen, tf.reshape(maskToken, [1, seen.shape[1]]), {
    sources: batch.tokenSources as tf.Tensor1D,
    places: batch.tokenPlaces as tf.Tensor1D,
    fillerPlaces: batch.removedPlaces as tf.Tensor1D,
  });
}

function withoutClsToken(decoded: tf.Tensor2D, numRows: number): tf.Tensor2D {
  return tf.slice(decoded, [decoded.shape[0] - numRows, 0], [numRows, decoded.shape[1]]);
}

function predict(
  parameters: NamedTensors,
  tokens: tf.Tensor2D,
  { layerNormEps }: Pick<MaeConfig, 'layerNormEps'>,
): tf.Tensor {
  const parameter = scope(parameters);
  return linear(
    layerNorm(tokens, parameter('decoder_norm.weight'), parameter('decoder_norm.bias'), layerNormEps),
    parameter<tf.Tensor2D>('decoder_pred.weight'),
    parameter<tf.Tensor1D>('decoder_pred.bias'),
  );
}
