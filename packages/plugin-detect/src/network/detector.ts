/*
 * network/: the detector's functions for the engine: the ViT and its pyramid, proposals, box and mask heads, their
 * losses; this file lists programs and parameters, `detector-config` the numbers.
 * Not here: what depends on values: which proposals there are is TypeScript's, in `inference/` and `training/`.
 * Called by: `pooling/`, `inference/`, `training/` and `model`.
 */

import * as tf from '@tensorflow/tfjs';
import type { NamedTensors, ParameterSpecs, TensorFunction, TensorSpec } from '@mae-tasks/core-mae/task';
import { createAnchors, joinAnchors } from './anchors.js';
import { type BoxStage, boxStages } from './box-stages.js';
import { type DetectorConfig, type EncoderConfig, pyramidGrids } from './detector-config.js';
import { pyramidNetwork, pyramidNetworkSpecs } from './feature-pyramid-network.js';
import { boxHead, boxHeadSpecs, maskHead, maskHeadSpecs } from './roi-heads.js';
import { boxHeadLosses, maskLoss } from './roi-losses.js';
import { rpnHead, rpnLosses, rpnSpecs } from './rpn.js';
import { simplePyramid, simplePyramidSpecs } from './simple-feature-pyramid.js';
import { encodeMaps, vitDetSpecs, type VitDetOptions } from './vit-det.js';

/** The pyramid levels that regions are pooled from; p6 only proposes. */
export const POOLED_LEVELS = ['p2', 'p3', 'p4', 'p5'] as const;

type BatchSpec = Readonly<Record<string, TensorSpec>>;

/** Parameters of encoder, neck and proposal network: one program's. */
export function trunkSpecs(config: DetectorConfig): ParameterSpecs {
  const { embedDim } = config.vit;
  const neck =
    config.neck === 'fpn'
      ? pyramidNetworkSpecs(embedDim, config.pyramidChannels)
      : simplePyramidSpecs(embedDim, config.pyramidChannels);
  return { ...vitDetSpecs(config), ...neck, ...rpnSpecs(config) };
}

/**
 * All parameters of the detector. The encoder's have the official MAE's names, the others detectron2's, so that
 * checkpoints of both fit.
 */
export function detectorSpecs(config: DetectorConfig): ParameterSpecs {
  const boxHeads = boxStages(config).map((stage) => boxHeadSpecs(config, stage));
  return Object.assign({}, trunkSpecs(config), ...boxHeads, maskHeadSpecs(config)) as ParameterSpecs;
}

/** Pyramid levels p2 … p6 of normalised pictures, padded with zeros: `[B, H, W, 3]` → `[B, h, w, C]` each. */
export function pyramidLevels(
  parameters: NamedTensors,
  images: tf.Tensor4D,
  config: DetectorConfig,
  options: VitDetOptions = {},
): tf.Tensor4D[] {
  const maps = encodeMaps(parameters, images, config, options);
  return config.neck === 'fpn' ? pyramidNetwork(parameters, maps) : simplePyramid(parameters, maps.at(-1)!);
}

/** Features to pool from, `p2` … `p5`, and of every anchor `logits` `[B, A]` and `deltas` `[B, A, 4]`. */
export function trunkFunction(config: DetectorConfig): TensorFunction {
  return (parameters, batch) => {
    const levels = pyramidLevels(parameters, batch.images as tf.Tensor4D, config, optionsOf(batch));
    const features = Object.fromEntries(POOLED_LEVELS.map((name, index) => [name, levels[index]!]));
    return { ...features, ...rpnHead(parameters, levels, config) };
  };
}

/**
 * The proposal network's losses, and as `loss` their sum plus Σ features · cotangents: its gradients by the trunk's
 * parameters are those of the whole detector, once the cotangents are what the heads' losses ask of the features. Also
 * what {@link trunkFunction} gives, which needs no targets.
 */
export function trunkLossFunction(config: DetectorConfig): TensorFunction {
  const anchors = joinAnchors(createAnchors(config));
  return (parameters, batch) => {
    const levels = pyramidLevels(parameters, batch.images as tf.Tensor4D, config, optionsOf(batch));
    const targets = {
      objects: batch.objects as tf.Tensor2D,
      sampled: batch.sampled as tf.Tensor2D,
      boxes: batch.boxes as tf.Tensor3D,
      anchors: tf.tensor2d(anchors, [anchors.length / 4, 4]),
      scale: batch.scale as tf.Scalar,
    };
    const proposed = rpnHead(parameters, levels, config);
    const { classification, localization } = rpnLosses(proposed, targets, config);
    const features = Object.fromEntries(POOLED_LEVELS.map((name, index) => [name, levels[index]!]));
    const asked = POOLED_LEVELS.map((name, index) => tf.sum(tf.mul(levels[index]!, batch[`cotangent.${name}`]!)));
    return {
      loss: tf.addN([tf.add(classification, localization), ...asked]),
      lossRpnCls: classification,
      lossRpnLoc: localization,
      ...features,
      ...proposed,
    };
  };
}

function optionsOf(batch: NamedTensors): VitDetOptions {
  return { dropPathScales: batch.dropPathScales as tf.Tensor3D | undefined };
}

/** Entries of a batch of pictures; `dropPathScales` where blocks are dropped. */
export function pictureSpec({ vit }: Pick<EncoderConfig, 'vit'>, batchSize: number, dropPath: boolean): BatchSpec {
  const images = float32(batchSize, ...vit.imageSize, vit.inChannels);
  return dropPath ? { images, dropPathScales: float32(vit.depth, 2, batchSize) } : { images };
}

/** What `trunkLossFunction` reads besides pictures. */
export function trunkTargetSpec(config: DetectorConfig, batchSize: number): BatchSpec {
  const grids = pyramidGrids(config.vit);
  const cells = grids.reduce((sum, [height, width]) => sum + height * width, 0);
  const numAnchors = cells * config.anchors.aspectRatios.length;
  const cotangents = POOLED_LEVELS.map((name, index) => [
    `cotangent.${name}`,
    float32(batchSize, ...grids[index]!, config.pyramidChannels),
  ]);
  return {
    objects: float32(batchSize, numAnchors),
    sampled: float32(batchSize, numAnchors),
    boxes: float32(batchSize, numAnchors, 4),
    scale: float32(),
    ...(Object.fromEntries(cotangents) as BatchSpec),
  };
}

/** Class probabilities `scores` `[R, K + 1]` and `deltas` `[R, numBoxes, 4]` of pooled regions. */
export function boxFunction(config: DetectorConfig, stage: BoxStage): TensorFunction {
  return (parameters, { pooled }) => {
    const { logits, deltas } = boxHead(parameters, pooled as tf.Tensor4D, config, stage);
    return { scores: tf.softmax(logits), deltas };
  };
}

/** A box head's losses and, as `loss`, their sum; in a cascade also `deltas`, which the next stage starts from. */
export function boxLossFunction(config: DetectorConfig, stage: BoxStage): TensorFunction {
  return (parameters, batch) => {
    const targets = {
      classes: batch.classes as tf.Tensor1D,
      weights: batch.weights as tf.Tensor1D,
      boxes: batch.boxes as tf.Tensor2D,
      proposals: batch.proposals as tf.Tensor2D,
    };
    const outputs = boxHead(parameters, batch.pooled as tf.Tensor4D, config, stage);
    const { classification, regression } = boxHeadLosses(outputs, targets, config, stage);
    const losses = { loss: tf.add(classification, regression), lossCls: classification, lossBoxReg: regression };
    return config.cascade === undefined ? losses : { ...losses, deltas: outputs.deltas };
  };
}

export function boxSpec(config: DetectorConfig, numRegions: number): BatchSpec {
  return { pooled: pooledSpec(numRegions, config.boxHead.poolSize, config.pyramidChannels) };
}

/** What `boxLossFunction` reads besides pooled regions. */
export function boxTargetSpec(numRegions: number): BatchSpec {
  return {
    classes: { shape: [numRegions], dtype: 'int32' },
    weights: float32(numRegions),
    boxes: float32(numRegions, 4),
    proposals: float32(numRegions, 4),
  };
}

/** Mask probabilities `masks` `[M, 2S, 2S]` of pooled regions, each for its class. */
export function maskFunction(config: DetectorConfig): TensorFunction {
  return (parameters, { pooled, classes }) => ({
    masks: tf.sigmoid(maskHead(parameters, pooled as tf.Tensor4D, classes as tf.Tensor1D, config)),
  });
}

/** The mask head's `loss`. */
export function maskLossFunction(config: DetectorConfig): TensorFunction {
  return (parameters, batch) => {
    const logits = maskHead(parameters, batch.pooled as tf.Tensor4D, batch.classes as tf.Tensor1D, config);
    return { loss: maskLoss(logits, batch.targets as tf.Tensor3D, batch.weights as tf.Tensor1D) };
  };
}

export function maskSpec(config: DetectorConfig, numRegions: number): BatchSpec {
  return {
    pooled: pooledSpec(numRegions, config.maskHead!.poolSize, config.pyramidChannels),
    classes: { shape: [numRegions], dtype: 'int32' },
  };
}

/** What `maskLossFunction` reads besides pooled regions and their classes. */
export function maskTargetSpec(config: DetectorConfig, numRegions: number): BatchSpec {
  const size = 2 * config.maskHead!.poolSize;
  return { targets: float32(numRegions, size, size), weights: float32(numRegions) };
}

function pooledSpec(numRegions: number, poolSize: number, channels: number): TensorSpec {
  return float32(numRegions, poolSize, poolSize, channels);
}

function float32(...shape: number[]): TensorSpec {
  return { shape, dtype: 'float32' };
}
