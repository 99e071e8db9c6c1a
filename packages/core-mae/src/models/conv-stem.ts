import * as tf from '@tensorflow/tfjs';
import { MaeError } from '../base/errors.js';
import type { Backbone, VitConfig } from '../contracts/backbone.js';
import type { NamedTensors } from '../contracts/engine.js';
import type { ParameterSpecs } from '../contracts/parameters.js';
import { conv2d, conv2dSpecs, normalByFanOut } from '../nn/conv.js';
import { gelu } from '../nn/gelu.js';
import { groupNorm, groupNormSpecs, groupsOfEight } from '../nn/group-norm.js';
import { prefixed } from '../nn/params.js';
import { scope } from '../nn/scope.js';
import { encodePatches, vitLayerOf, vitSpecs } from './vit.js';

/**
 * A ViT whose patches are embedded by a few convolutions instead of one large one ("Early Convolutions Help Transformers
 * See Better", Xiao et al. 2021, §4), for models that start from random weights: it learns in far fewer steps from few
 * pictures. It cannot be pretrained by masking, because its convolutions see across the borders of patches.
 *
 * Differences from the paper: a group norm takes the place of batch norm, so that a batch may be split and small batches
 * train (a norm over each pixel's channels would take the brightness away, and hardly learns), GELU the place of ReLU,
 * and no block of the transformer is left out.
 */
export const convStemBackbone: Backbone = {
  name: 'vit-conv-stem',
  parameters: (config) => {
    const { 'patch_embed.proj.weight': _, 'patch_embed.proj.bias': __, ...rest } = vitSpecs(config, 'learned');
    return { ...rest, ...convStemSpecs(config) };
  },
  encode: (parameters, images, config, options = {}) => {
    const maps = convStemMaps(parameters, images, config);
    const [batchSize, height, width, embedDim] = maps.at(-1)!.shape;
    const patches = tf.reshape<tf.Rank.R3>(maps.at(-1)!, [batchSize, height * width, embedDim]);
    return encodePatches(parameters, tf.transpose<tf.Tensor3D>(patches, [1, 0, 2]), config, options);
  },
  layerOf: (name) => vitLayerOf(name),
  pretrainingOnly: [],
};

/**
 * Channels after each halving of the picture: they double up to the encoder's width (Xiao et al. 2021, appendix, Table 2:
 * 24, 48, 96, 192 for a width of 192).
 *
 * @throws MaeError `CONFIG_INVALID` where the patch size is no power of two
 */
export function convStemChannels({ patchSize, embedDim }: VitConfig): readonly number[] {
  const numStages = Math.log2(patchSize);
  if (!Number.isInteger(numStages) || numStages < 1) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`model.patchSize\` (=${patchSize}) must be a power of two for the backbone "vit-conv-stem"`,
      fix: 'use 4, 8 or 16',
    });
  }
  return Array.from({ length: numStages }, (_, stage) =>
    Math.max(8, Math.ceil(embedDim / 2 ** (numStages - 1 - stage) / 8) * 8),
  );
}

/** `patch_embed.convs.<i>.weight`, `patch_embed.norms.<i>.*` of every stage, and the 1×1 `patch_embed.proj.*`. */
export function convStemSpecs(config: VitConfig): ParameterSpecs {
  const channels = convStemChannels(config);
  const stages = channels.map((numOut, stage) => {
    const numIn = stage === 0 ? config.inChannels : channels[stage - 1]!;
    return {
      ...prefixed(
        `patch_embed.convs.${stage}.`,
        conv2dSpecs(numIn, numOut, { kernelSize: 3, init: normalByFanOut, bias: false }),
      ),
      ...prefixed(`patch_embed.norms.${stage}.`, groupNormSpecs(numOut)),
    };
  });
  const proj = prefixed('patch_embed.proj.', conv2dSpecs(channels.at(-1)!, config.embedDim, { kernelSize: 1 }));
  return Object.assign({}, ...stages, proj) as ParameterSpecs;
}

/**
 * The picture after every halving, `[B, H/2, W/2, c]` to `[B, H/p, W/p, c]`, and last the embedded patches without
 * positions, `[B, H/p, W/p, D]`.
 */
export function convStemMaps(parameters: NamedTensors, images: tf.Tensor4D, config: VitConfig): tf.Tensor4D[] {
  const parameter = scope(parameters, 'patch_embed.');
  const maps: tf.Tensor4D[] = [];
  let x = images;
  for (const stage of convStemChannels(config).keys()) {
    const halved = conv2d(x, parameter<tf.Tensor4D>(`convs.${stage}.weight`), undefined, 2);
    const [weight, bias] = [parameter(`norms.${stage}.weight`), parameter(`norms.${stage}.bias`)];
    x = gelu(groupNorm(halved, weight, bias, groupsOfEight(halved.shape[3]))) as tf.Tensor4D;
    maps.push(x);
  }
  const embedded = conv2d(x, parameter<tf.Tensor4D>('proj.weight'), parameter<tf.Tensor1D>('proj.bias'));
  return [...maps, embedded];
}
