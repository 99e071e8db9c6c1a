import * as tf from '@tensorflow/tfjs';
import {
  conv2d,
  conv2dSpecs,
  type NamedTensors,
  normal,
  type ParameterSpecs,
  prefixed,
  type Scope,
  scope,
} from '@mae-tasks/core-mae/task';
import { RPN_BOX_WEIGHTS } from '../boxes/box-codec.js';
import type { DetectorConfig } from './detector-config.js';
import { binaryCrossEntropy, boxRegressionLoss } from './losses.js';

const PREFIX = 'proposal_generator.rpn_head.';

/** The proposal network's head under detectron2's names (`StandardRPNHead`). */
export function rpnSpecs({ rpn, pyramidChannels, anchors }: DetectorConfig): ParameterSpecs {
  const init = normal(0.01);
  const numAnchors = anchors.aspectRatios.length;
  const convs = Array.from({ length: rpn.numConvs }, (_, index) =>
    prefixed(
      `${convName(rpn.numConvs, index)}.`,
      conv2dSpecs(pyramidChannels, pyramidChannels, { kernelSize: 3, init }),
    ),
  );
  return prefixed(
    PREFIX,
    Object.assign(
      {},
      ...convs,
      prefixed('objectness_logits.', conv2dSpecs(pyramidChannels, numAnchors, { kernelSize: 1, init })),
      prefixed('anchor_deltas.', conv2dSpecs(pyramidChannels, 4 * numAnchors, { kernelSize: 1, init })),
    ) as ParameterSpecs,
  );
}

/** detectron2 calls a single convolution `conv`, several `conv.conv0`, `conv.conv1`, … */
function convName(numConvs: number, index: number): string {
  return numConvs === 1 ? 'conv' : `conv.conv${index}`;
}

export interface RpnOutputs {
  /** `[B, A]`: for every anchor, finest level first, cells row by row, then ratios. */
  readonly logits: tf.Tensor2D;
  /** `[B, A, 4]`. */
  readonly deltas: tf.Tensor3D;
}

/** Objectness and deltas of every anchor, from levels `[B, h, w, C]`. */
export function rpnHead(parameters: NamedTensors, levels: readonly tf.Tensor4D[], config: DetectorConfig): RpnOutputs {
  const parameter = scope(parameters, PREFIX);
  const outputs = levels.map((level) => rpnLevel(parameter, level, config.rpn.numConvs));
  return {
    logits: tf.concat(
      outputs.map(({ logits }) => logits),
      1,
    ),
    deltas: tf.concat(
      outputs.map(({ deltas }) => deltas),
      1,
    ),
  };
}

function rpnLevel(parameter: Scope, level: tf.Tensor4D, numConvs: number): RpnOutputs {
  const convolved = (x: tf.Tensor4D, name: string): tf.Tensor4D =>
    conv2d(x, parameter(`${name}.weight`), parameter<tf.Tensor1D>(`${name}.bias`));
  let x = level;
  for (let index = 0; index < numConvs; index++) x = tf.relu(convolved(x, convName(numConvs, index)));
  const logits = convolved(x, 'objectness_logits'); // [B, h, w, ratios]
  const deltas = convolved(x, 'anchor_deltas'); // [B, h, w, ratios · 4]
  const [batchSize, height, width, numAnchors] = logits.shape;
  return {
    logits: tf.reshape(logits, [batchSize, height * width * numAnchors]),
    deltas: tf.reshape(deltas, [batchSize, height * width * numAnchors, 4]),
  };
}

/** What the head is compared with; made by `rpn-targets.ts`. */
export interface RpnTargets {
  /** `[B, A]`: 1 for an object, 0 for background. */
  readonly objects: tf.Tensor2D;
  /** `[B, A]`: 1 for the anchors that take part. */
  readonly sampled: tf.Tensor2D;
  /** `[B, A, 4]`: deltas or boxes of the objects. */
  readonly boxes: tf.Tensor3D;
  /** `[A, 4]`. */
  readonly anchors: tf.Tensor2D;
  /** One over the number of anchors that are sampled from all pictures, however many there were. */
  readonly scale: tf.Scalar;
}

/** The proposal network's two losses (detectron2's `RPN.losses`). */
export function rpnLosses(
  { logits, deltas }: RpnOutputs,
  { objects, sampled, boxes, anchors, scale }: RpnTargets,
  { rpn }: DetectorConfig,
): { readonly classification: tf.Scalar; readonly localization: tf.Scalar } {
  const [batchSize] = logits.shape;
  const classification = tf.sum(tf.mul(binaryCrossEntropy(logits, objects), sampled));
  const rows = <R extends tf.Tensor>(x: R): tf.Tensor2D => tf.reshape(x, [-1, 4]);
  const localization = boxRegressionLoss(
    rows(deltas),
    {
      targets: rows(boxes),
      weights: tf.reshape(tf.mul(objects, sampled), [-1]),
      from: rpn.boxLoss.kind === 'giou' ? tf.tile(anchors, [batchSize, 1]) : anchors,
    },
    rpn.boxLoss,
    RPN_BOX_WEIGHTS,
  );
  return { classification: tf.mul(classification, scale), localization: tf.mul(localization, scale) };
}
