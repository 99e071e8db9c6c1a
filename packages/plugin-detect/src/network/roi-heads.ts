import * as tf from '@tensorflow/tfjs';
import {
  conv2dSpecs,
  linear,
  type NamedTensors,
  normal,
  normalByFanOut,
  type ParameterSpecs,
  prefixed,
  scope,
  transposedConv2d,
  transposedConv2dSpecs,
  xavierByFanIn,
  zeros,
  normedConv,
  normedConvSpecs,
} from '@mae-tasks/core-mae/task';
import type { BoxStage } from './box-stages.js';
import type { DetectorConfig } from './detector-config.js';

const BOX_HEAD = 'roi_heads.box_head.';
const BOX_PREDICTOR = 'roi_heads.box_predictor.';
const MASK_HEAD = 'roi_heads.mask_head.';

/** A box head's parameters under detectron2's names (`FastRCNNConvFCHead`, `FastRCNNOutputLayers`). */
export function boxHeadSpecs(
  { boxHead, pyramidChannels, numClasses }: DetectorConfig,
  { prefix, numBoxes }: BoxStage,
): ParameterSpecs {
  const { numConvs, convChannels, hiddenFeatures, poolSize } = boxHead;
  const lastChannels = numConvs === 0 ? pyramidChannels : convChannels;
  const convs = Array.from({ length: numConvs }, (_, index) =>
    prefixed(
      `${BOX_HEAD}${prefix}conv${index + 1}.`,
      normedConvSpecs(index === 0 ? pyramidChannels : convChannels, convChannels, 3, normalByFanOut),
    ),
  );
  const linearSpecs = (numIn: number, numOut: number, init: ParameterSpecs[string]['init']): ParameterSpecs => ({
    weight: { shape: [numOut, numIn], init },
    bias: { shape: [numOut], init: zeros },
  });
  return Object.assign(
    {},
    ...convs,
    prefixed(`${BOX_HEAD}${prefix}fc1.`, linearSpecs(lastChannels * poolSize ** 2, hiddenFeatures, xavierByFanIn)),
    prefixed(`${BOX_PREDICTOR}${prefix}cls_score.`, linearSpecs(hiddenFeatures, numClasses + 1, normal(0.01))),
    prefixed(`${BOX_PREDICTOR}${prefix}bbox_pred.`, linearSpecs(hiddenFeatures, 4 * numBoxes, normal(0.001))),
  ) as ParameterSpecs;
}

export interface BoxHeadOutputs {
  /** `[R, numClasses + 1]`: the last is background. */
  readonly logits: tf.Tensor2D;
  /** `[R, numBoxes, 4]`: for each class, or for all. */
  readonly deltas: tf.Tensor3D;
}

/** Class logits and deltas of regions: `[R, S, S, C]` → `[R, K + 1]`, `[R, numBoxes, 4]`. */
export function boxHead(
  parameters: NamedTensors,
  pooled: tf.Tensor4D,
  config: DetectorConfig,
  { prefix, numBoxes }: BoxStage,
): BoxHeadOutputs {
  const [numRegions] = pooled.shape;
  const head = scope(parameters, BOX_HEAD + prefix);
  let x = pooled;
  for (let index = 1; index <= config.boxHead.numConvs; index++) x = tf.relu(normedConv(head, `conv${index}.`, x));
  // The linear layer's columns run over channel, row, column.
  const flat = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [numRegions, -1]);
  const hidden = tf.relu(linear(flat, head('fc1.weight'), head<tf.Tensor1D>('fc1.bias')));
  const predictor = scope(parameters, BOX_PREDICTOR + prefix);
  const deltas = linear(hidden, predictor('bbox_pred.weight'), predictor<tf.Tensor1D>('bbox_pred.bias'));
  return {
    logits: linear(hidden, predictor('cls_score.weight'), predictor<tf.Tensor1D>('cls_score.bias')) as tf.Tensor2D,
    deltas: tf.reshape(deltas, [numRegions, numBoxes, 4]),
  };
}

/** The mask head's parameters under detectron2's names (`MaskRCNNConvUpsampleHead`); none without masks. */
export function maskHeadSpecs({ maskHead, pyramidChannels, numClasses }: DetectorConfig): ParameterSpecs {
  if (maskHead === undefined) return {};
  const { numConvs, convChannels } = maskHead;
  const lastChannels = numConvs === 0 ? pyramidChannels : convChannels;
  const convs = Array.from({ length: numConvs }, (_, index) =>
    prefixed(
      `mask_fcn${index + 1}.`,
      normedConvSpecs(index === 0 ? pyramidChannels : convChannels, convChannels, 3, normalByFanOut),
    ),
  );
  return prefixed(
    MASK_HEAD,
    Object.assign(
      {},
      ...convs,
      prefixed('deconv.', transposedConv2dSpecs(lastChannels, convChannels, { kernelSize: 2, init: normalByFanOut })),
      prefixed('predictor.', conv2dSpecs(convChannels, numClasses, { kernelSize: 1, init: normal(0.001) })),
    ) as ParameterSpecs,
  );
}

/**
 * Mask logits of regions, each for one class: `[M, S, S, C]`, int32 `[M]` → `[M, 2S, 2S]`.
 *
 * The official predictor computes the masks of all classes and picks one afterwards; here each region is multiplied by
 * its own class's weights.
 */
export function maskHead(
  parameters: NamedTensors,
  pooled: tf.Tensor4D,
  classes: tf.Tensor1D,
  config: DetectorConfig,
): tf.Tensor3D {
  const head = scope(parameters, MASK_HEAD);
  let x = pooled;
  for (let index = 1; index <= config.maskHead!.numConvs; index++) {
    x = tf.relu(normedConv(head, `mask_fcn${index}.`, x));
  }
  const doubled = tf.relu(transposedConv2d(x, head('deconv.weight'), head('deconv.bias')));
  const [numRegions, height, width, channels] = doubled.shape;
  const table = tf.reshape<tf.Rank.R2>(head('predictor.weight'), [config.numClasses, channels]);
  const weights = tf.reshape(tf.gather(table, classes), [numRegions, channels, 1]);
  const products = tf.matMul(tf.reshape<tf.Rank.R3>(doubled, [numRegions, height * width, channels]), weights);
  const biases = tf.reshape(tf.gather(head<tf.Tensor1D>('predictor.bias'), classes), [numRegions, 1, 1]);
  return tf.reshape(tf.add(products, biases), [numRegions, height, width]);
}
