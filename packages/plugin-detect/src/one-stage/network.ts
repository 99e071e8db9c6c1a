import * as tf from '@tensorflow/tfjs';
import type { NamedTensors, ParameterSpecs, TensorFunction, TensorSpec } from '@mae-tasks/core-mae/task';
import { pyramidLevel, simplePyramidSpecs } from '../network/simple-feature-pyramid.js';
import { encodeMaps, vitDetSpecs } from '../network/vit-det.js';
import type { OneStageConfig } from './config.js';
import { oneStageHead, oneStageHeadSpecs } from './head.js';
import { pointLosses, type PointTargets } from './losses.js';
import { pointLevels } from './points.js';
import { prototypeGrid, prototypeLoss, prototypes, prototypeSpecs, type PrototypeTargets } from './prototypes.js';
import { pyramidPrior, pyramidPriorSpecs } from './spatial-prior.js';

type BatchSpec = Readonly<Record<string, TensorSpec>>;

/** All parameters of the detector: the encoder's have the official MAE's names, the pyramid's detectron2's. */
export function oneStageSpecs(config: OneStageConfig): ParameterSpecs {
  const { vit, pyramidChannels } = config;
  return {
    ...vitDetSpecs(config),
    ...simplePyramidSpecs(vit.embedDim, pyramidChannels, scalesOf(config)),
    ...pyramidPriorSpecs(config),
    ...oneStageHeadSpecs(config),
    ...prototypeSpecs(config),
  };
}

/** How much finer than the encoder's map the levels are. */
function scalesOf({ vit, strides }: OneStageConfig): number[] {
  return strides.map((stride) => vit.patchSize / stride);
}

function detect(parameters: NamedTensors, batch: NamedTensors, config: OneStageConfig) {
  const dropPathScales = batch.dropPathScales as tf.Tensor3D | undefined;
  const images = batch.images as tf.Tensor4D;
  const map = encodeMaps(parameters, images, config, { dropPathScales }).at(-1)!;
  const encoded = scalesOf(config).map((scale) => pyramidLevel(parameters, map, scale));
  const seen = config.spatialPrior === 0 ? [] : pyramidPrior(parameters, images, config);
  const levels = encoded.map((level, index) =>
    seen[index] === undefined ? level : tf.add<tf.Tensor4D>(level, seen[index]),
  );
  const outputs = oneStageHead(parameters, levels, config);
  if (config.masks === undefined) return outputs;
  return { ...outputs, maps: prototypes(parameters, levels[0]!, config) };
}

/**
 * Of normalised pictures `[B, H, W, 3]`, for every point: `logits` `[B, P, K]`, `boxes` `[B, P, 4]` in pixels, and with
 * masks `coefficients` `[B, P, M]` and `prototypes` `[B, h', w', M]`.
 */
export function oneStageFunction(config: OneStageConfig): TensorFunction {
  return (parameters, batch) => {
    const found = detect(parameters, batch, config);
    const { logits, boxes } = found;
    if (!('maps' in found)) return { logits, boxes };
    return { logits, boxes, coefficients: found.coefficients!, prototypes: found.maps };
  };
}

/** The losses and, as `loss`, their weighted sum; also `logits` and `boxes`, which need no targets. */
export function oneStageLossFunction(config: OneStageConfig): TensorFunction {
  const { lossWeights: weights } = config;
  return (parameters, batch) => {
    const found = detect(parameters, batch, config);
    const targets: PointTargets = {
      scores: batch.scores as tf.Tensor3D,
      weights: batch.weights as tf.Tensor2D,
      boxes: batch.targetBoxes as tf.Tensor3D,
      distances: batch.distances as tf.Tensor3D,
      scale: batch.scale as tf.Scalar,
    };
    const losses = pointLosses(found, targets);
    const terms = {
      lossCls: tf.mul<tf.Scalar>(losses.classification, weights.classification),
      lossBox: tf.mul<tf.Scalar>(losses.box, weights.box),
      lossDfl: tf.mul<tf.Scalar>(losses.distribution, weights.distribution),
      ...('maps' in found
        ? {
            lossMask: tf.mul<tf.Scalar>(
              prototypeLoss(found.coefficients!, found.maps, {
                points: batch.maskPoints as tf.Tensor2D,
                masks: batch.masks as tf.Tensor4D,
                weights: batch.maskWeights as tf.Tensor4D,
              } satisfies PrototypeTargets),
              weights.mask,
            ),
          }
        : {}),
    };
    return { loss: tf.addN(Object.values(terms)), ...terms, logits: found.logits, boxes: found.boxes };
  };
}

/** What `oneStageLossFunction` reads besides pictures. */
export function pointTargetSpec(config: OneStageConfig, batchSize: number): BatchSpec {
  const numPoints = pointLevels(config).reduce((sum, { height, width }) => sum + height * width, 0);
  const float32 = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
  const points = {
    scores: float32(batchSize, numPoints, config.numClasses),
    weights: float32(batchSize, numPoints),
    targetBoxes: float32(batchSize, numPoints, 4),
    distances: float32(batchSize, numPoints, 4),
    scale: float32(),
  };
  if (config.masks === undefined) return points;
  const { pointsPerImage } = config.masks;
  const grid = prototypeGrid(config);
  return {
    ...points,
    maskPoints: { shape: [batchSize, pointsPerImage], dtype: 'int32' },
    masks: float32(batchSize, pointsPerImage, ...grid),
    maskWeights: float32(batchSize, pointsPerImage, ...grid),
  };
}
