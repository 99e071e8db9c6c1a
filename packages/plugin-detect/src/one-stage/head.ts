import * as tf from '@tensorflow/tfjs';
import {
  conv2d,
  conv2dSpecs,
  type Initializer,
  type NamedTensors,
  normal,
  type ParameterSpecs,
  prefixed,
  type Scope,
  scope,
  normedConv,
  normedConvSpecs,
} from '@mae-tasks/core-mae/task';
import type { OneStageConfig } from './config.js';
import { createPoints, type Points } from './points.js';

const PREFIX = 'bbox_head.';
/** Probability of every class at every point at the start: nearly all points have none (Lin et al. 2017, §4.1). */
const PRIOR = 0.01;
/** What the logits of the distances fall by from one to the next at the start: most objects are a few strides wide. */
const DISTANCE_SLOPE = 0.3;

/**
 * The head's parameters under the names of mmdetection's `GFLHead`, and `YOLACTHead`'s for the coefficients of masks:
 * one head for all levels.
 */
export function oneStageHeadSpecs(config: OneStageConfig): ParameterSpecs {
  const { pyramidChannels, convChannels, numConvs, numClasses, regMax, masks } = config;
  const tower = (name: string): ParameterSpecs =>
    Object.assign(
      {},
      ...Array.from({ length: numConvs }, (_, index) =>
        prefixed(`${name}.${index}.`, normedConvSpecs(index === 0 ? pyramidChannels : convChannels, convChannels, 3)),
      ),
    ) as ParameterSpecs;
  const numIn = numConvs === 0 ? pyramidChannels : convChannels;
  const layer = (name: string, numOut: number, biasInit?: Initializer): ParameterSpecs =>
    prefixed(
      `${name}.`,
      conv2dSpecs(numIn, numOut, {
        kernelSize: 1,
        init: normal(0.01),
        ...(biasInit === undefined ? {} : { biasInit }),
      }),
    );
  return prefixed(PREFIX, {
    ...tower('cls_convs'),
    ...tower('reg_convs'),
    ...layer('gfl_cls', numClasses, filled(Math.log(PRIOR / (1 - PRIOR)))),
    ...layer('gfl_reg', 4 * regMax, falling(regMax)),
    ...(masks === undefined ? {} : layer('conv_coeff', masks.numPrototypes)),
  });
}

function filled(value: number): Initializer {
  return ([length]) => new Float32Array(length!).fill(value);
}

function falling(regMax: number): Initializer {
  return ([length]) => Float32Array.from({ length: length! }, (_, i) => -DISTANCE_SLOPE * (i % regMax));
}

/** What the head says of every point. */
export interface OneStageOutputs {
  /** `[B, P, K]`. */
  readonly logits: tf.Tensor3D;
  /** `[B, P, 4, regMax]`: logits of the distances to the left, upper, right and lower side, in strides. */
  readonly distances: tf.Tensor4D;
  /** `[B, P, 4]`: `[x0, y0, x1, y1]` in pixels, from the mean distances. */
  readonly boxes: tf.Tensor3D;
  /** `[B, P, M]`: what each prototype counts in the point's mask; absent for a detector without masks. */
  readonly coefficients?: tf.Tensor3D | undefined;
}

/** The head on pyramid levels `[B, h, w, C]`, finest first. */
export function oneStageHead(
  parameters: NamedTensors,
  levels: readonly tf.Tensor4D[],
  config: OneStageConfig,
): OneStageOutputs {
  const parameter = scope(parameters, PREFIX);
  const perLevel = levels.map((level) => headOfLevel(parameter, level, config));
  const joined = (name: keyof LevelOutputs): tf.Tensor3D =>
    tf.concat(
      perLevel.map((outputs) => outputs[name]!),
      1,
    );
  const logits = joined('logits');
  const [batchSize, numPoints] = logits.shape;
  const distances = tf.reshape<tf.Rank.R4>(joined('distances'), [batchSize, numPoints, 4, config.regMax]);
  return {
    logits,
    distances,
    boxes: boxesOf(distances, createPoints(config)),
    ...(config.masks === undefined ? {} : { coefficients: joined('coefficients') }),
  };
}

interface LevelOutputs {
  readonly logits: tf.Tensor3D;
  readonly distances: tf.Tensor3D;
  readonly coefficients?: tf.Tensor3D;
}

function headOfLevel(parameter: Scope, level: tf.Tensor4D, { numConvs, masks }: OneStageConfig): LevelOutputs {
  const tower = (name: string): tf.Tensor4D => {
    let x = level;
    for (let index = 0; index < numConvs; index++) x = tf.relu(normedConv(parameter, `${name}.${index}.`, x, 'group'));
    return x;
  };
  const points = (x: tf.Tensor4D, name: string): tf.Tensor3D => {
    const result = conv2d(x, parameter(`${name}.weight`), parameter<tf.Tensor1D>(`${name}.bias`));
    const [batchSize, height, width, channels] = result.shape;
    return tf.reshape(result, [batchSize, height * width, channels]);
  };
  const forBoxes = tower('reg_convs');
  return {
    logits: points(tower('cls_convs'), 'gfl_cls'),
    distances: points(forBoxes, 'gfl_reg'),
    ...(masks === undefined ? {} : { coefficients: points(forBoxes, 'conv_coeff') }),
  };
}

/** Each point's box by the means of its distances: `[B, P, 4, bins]` → `[B, P, 4]` (Li et al. 2020, "Generalized Focal Loss", eq. 4). */
export function boxesOf(distances: tf.Tensor4D, { centers, strides }: Points): tf.Tensor3D {
  const [batchSize, numPoints, , regMax] = distances.shape;
  const bins = tf.range(0, regMax);
  const rows = tf.softmax(tf.reshape<tf.Rank.R2>(distances, [-1, regMax]));
  const means = tf.reshape(tf.matMul(rows, tf.reshape<tf.Rank.R2>(bins, [regMax, 1])), [batchSize, numPoints, 4]);
  // Towards the left and upper sides coordinates fall.
  const outwards = Float32Array.from({ length: 4 * numPoints }, (_, i) => strides[i >> 2]! * (i % 4 < 2 ? -1 : 1));
  const middles = Float32Array.from({ length: 4 * numPoints }, (_, i) => centers[2 * (i >> 2) + (i % 2)]!);
  return tf.add(tf.mul(means, tf.tensor3d(outwards, [1, numPoints, 4])), tf.tensor3d(middles, [1, numPoints, 4]));
}
