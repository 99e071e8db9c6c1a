import * as tf from '@tensorflow/tfjs';
import {
  conv2d,
  conv2dSpecs,
  type NamedTensors,
  type ParameterSpecs,
  prefixed,
  scope,
  transposedConv2dSpecs,
  normedConv,
  normedConvSpecs,
} from '@mae-tasks/core-mae/task';
import { binaryCrossEntropy } from '../network/losses.js';
import { upsampled } from '../network/simple-feature-pyramid.js';
import type { OneStageConfig } from './config.js';

const PREFIX = 'mask_head.protonet.';
/** Pixels between neighbouring cells of the prototypes, at the finest. */
const FINEST = 4;

/** Pixels between neighbouring cells of the prototypes: a quarter of the picture's resolution, or the finest level's. */
export function prototypeStride({ strides }: Pick<OneStageConfig, 'strides'>): number {
  return Math.max(FINEST, strides[0]! / 2);
}

function isDoubled({ strides }: Pick<OneStageConfig, 'strides'>): boolean {
  return strides[0]! > FINEST;
}

/** The prototypes' parameters, under the names of mmdetection's `YOLACTProtonet`: nothing for a detector without masks. */
export function prototypeSpecs(config: OneStageConfig): ParameterSpecs {
  const { masks, pyramidChannels } = config;
  if (masks === undefined) return {};
  return prefixed(PREFIX, {
    ...prefixed('0.', normedConvSpecs(pyramidChannels, masks.channels, 3)),
    ...(isDoubled(config)
      ? prefixed('1.', transposedConv2dSpecs(masks.channels, masks.channels, { kernelSize: 2 }))
      : {}),
    ...prefixed('2.', conv2dSpecs(masks.channels, masks.numPrototypes, { kernelSize: 1 })),
  });
}

/**
 * Masks of the whole picture that those of objects are sums of: the finest level `[B, h, w, C]` → `[B, h', w', M]`, at
 * {@link prototypeStride}.
 */
export function prototypes(parameters: NamedTensors, finest: tf.Tensor4D, config: OneStageConfig): tf.Tensor4D {
  const parameter = scope(parameters, PREFIX);
  const convolved = tf.relu(normedConv(parameter, '0.', finest, 'group'));
  const fine = isDoubled(config) ? tf.relu(upsampled(parameter, '1.', convolved)) : convolved;
  return conv2d(fine, parameter('2.weight'), parameter<tf.Tensor1D>('2.bias'));
}

/** What chosen points' masks are compared with; R in each picture, some of them padding. */
export interface PrototypeTargets {
  /** int32 `[B, R]`: the points. */
  readonly points: tf.Tensor2D;
  /** `[B, R, h', w']`: the share of each cell that is the object's. */
  readonly masks: tf.Tensor4D;
  /** `[B, R, h', w']`: one over the number of cells in the object's box and over that of all masks; 0 outside. */
  readonly weights: tf.Tensor4D;
}

/** Mean binary cross entropy over the cells of the objects' boxes, mean over masks (Bolya et al. 2019, §3). */
export function prototypeLoss(
  coefficients: tf.Tensor3D,
  maps: tf.Tensor4D,
  { points, masks, weights }: PrototypeTargets,
): tf.Scalar {
  const [batchSize, numPoints, numPrototypes] = coefficients.shape;
  const numMasks = points.shape[1];
  const starts = Int32Array.from({ length: batchSize }, (_, picture) => picture * numPoints);
  const rows = tf.reshape<tf.Rank.R1>(tf.add(points, tf.tensor2d(starts, [batchSize, 1], 'int32')), [-1]);
  const chosen = tf.gather(tf.reshape<tf.Rank.R2>(coefficients, [-1, numPrototypes]), rows);
  const logits = tf.matMul(
    tf.reshape<tf.Rank.R3>(chosen, [batchSize, numMasks, numPrototypes]),
    tf.reshape<tf.Rank.R3>(maps, [batchSize, -1, numPrototypes]),
    false,
    true,
  ); // [B, R, h'·w']
  return tf.sum(tf.mul(binaryCrossEntropy(tf.reshape(logits, masks.shape), masks), weights));
}

/** Rows and columns of the prototypes. */
export function prototypeGrid(config: Pick<OneStageConfig, 'vit' | 'strides'>): readonly [number, number] {
  const stride = prototypeStride(config);
  const [height, width] = config.vit.imageSize;
  return [height / stride, width / stride];
}

/** Cells along each side of a detection's mask, laid over its box. */
export const MASK_SIDE = 28;

/**
 * Probabilities that the pixels of a box are the object's, on a grid of {@link MASK_SIDE}² over it: the sum of prototypes
 * at each cell's centre, bilinear between theirs.
 *
 * @param maps one picture's `[h', w', M]`
 * @param coefficients `[M]`
 * @param box `[x0, y0, x1, y1]` in pixels
 * @param out `[S, S]`
 */
export function writeBoxMask(
  maps: { readonly data: Float32Array; readonly shape: readonly [number, number, number]; readonly stride: number },
  coefficients: Float32Array,
  box: ArrayLike<number>,
  out: Float32Array,
): void {
  const [height, width, numPrototypes] = maps.shape;
  const known = new Map<number, number>();
  const logitAt = (y: number, x: number): number => {
    const cell = y * width + x;
    const before = known.get(cell);
    if (before !== undefined) return before;
    let sum = 0;
    for (let k = 0; k < numPrototypes; k++) sum += maps.data[cell * numPrototypes + k]! * coefficients[k]!;
    known.set(cell, sum);
    return sum;
  };
  const places = (from: number, to: number, size: number) =>
    Array.from({ length: MASK_SIDE }, (_, i) => {
      const place = (from + ((i + 0.5) / MASK_SIDE) * (to - from)) / maps.stride - 0.5;
      const clipped = Math.min(Math.max(place, 0), size - 1);
      const low = Math.min(Math.floor(clipped), Math.max(0, size - 2));
      return { low, high: Math.min(low + 1, size - 1), share: clipped - low };
    });
  const columns = places(box[0]!, box[2]!, width);
  places(box[1]!, box[3]!, height).forEach((row, y) => {
    columns.forEach((column, x) => {
      const upper = mix(logitAt(row.low, column.low), logitAt(row.low, column.high), column.share);
      const lower = mix(logitAt(row.high, column.low), logitAt(row.high, column.high), column.share);
      out[y * MASK_SIDE + x] = 1 / (1 + Math.exp(-mix(upper, lower, row.share)));
    });
  });
}

function mix(a: number, b: number, share: number): number {
  return a + share * (b - a);
}
