import {
  type Baseline,
  type Batch,
  type BatchedFunction,
  createEncoderBatch,
  encoderBatchSpec,
  type ExportedProgram,
  type HostTensor,
  type LabelMap,
  type NamedTensors,
  type Objective,
  type Random,
  type Sample,
  splitBatch,
  type TaskContext,
  type TaskModel,
  type TensorSpec,
} from '@mae-tasks/core-mae/task';
import * as tf from '@tensorflow/tfjs';
import { createSegmentEvaluator } from './inference/evaluator.js';
import { classWeightsOf, type SegmentFacts } from './facts.js';
import { segmentationForward } from './inference/forward.js';
import { diceLoss, IGNORE_INDEX, pixelCrossEntropy } from './loss.js';
import { createNetwork, logitsAtPixels, type SegmentationNetwork } from './network.js';
import { createSegmentPrediction } from './inference/prediction.js';
import type { SegmentSettings } from './settings.js';
import { targetSpec, trainTransforms } from './transforms.js';

type Context = TaskContext<SegmentSettings, SegmentFacts>;

/** A decoder on the encoder's tokens, pixel by pixel a class. @throws MaeError `CONFIG_INVALID` */
export function createSegmenter(context: Context): TaskModel<LabelMap, readonly LabelMap[]> {
  const { settings, facts, vit, backbone, statistics } = context;
  const numClasses = facts.classNames.length;
  const network = createNetwork(vit, backbone, settings, numClasses);
  const target = targetSpec(settings, facts);
  // As large as in training, where nothing else is said.
  const inference = { ...settings.inference, shorter: settings.inference.shorter ?? settings.augmentation.shorter };
  const shared = { network, numClasses, statistics, inference };
  const objective: Objective<readonly LabelMap[]> = {
    name: 'segment',
    parameters: network.specs,
    training: trainingFunction(context, network),
    evaluation: segmentationForward({ ...shared, target }),
    createEvaluator: () => createSegmentEvaluator(facts),
    primaryMetric: { name: 'valMIoU', better: 'higher' },
    baseline: oneClassBaseline(facts),
  };
  return {
    objective,
    prediction: createSegmentPrediction(segmentationForward(shared), facts),
    programs: { segment: exportedProgram(network) },
    checkpoint: {
      allowMissing: ['norm.', 'decode_head.', 'neck.', 'auxiliary_head.'],
      // Heads of other tasks, and blocks that nothing reads.
      allowUnexpected: [
        ...['norm.', 'fc_norm.', 'head.', 'decode_head.', 'neck.', 'auxiliary_head.'],
        ...Array.from({ length: vit.depth - network.vit.depth }, (_, index) => `blocks.${network.vit.depth + index}.`),
      ],
    },
  };
}

/** The mean IoU, in percent, of a model that calls every pixel the most frequent class. */
function oneClassBaseline({ frequencies }: SegmentFacts): Baseline {
  const present = frequencies.filter((share) => share > 0).length;
  return {
    metric: 'valMIoU',
    better: 'higher',
    value: (100 * frequencies.reduce((most, share) => Math.max(most, share), 0)) / present,
    of: 'a model that calls every pixel the most frequent class',
    advice:
      'set `segment.loss.dice=1` or `segment.loss.classWeights=balanced`, raise `optimizer.lr`, or train for longer',
  };
}

/** Windows in, logits at their pixels out: what other runtimes run. */
function exportedProgram(network: SegmentationNetwork): ExportedProgram {
  const { vit } = network;
  return {
    fn: (parameters, batch) => ({
      logits: logitsAtPixels(network.run(parameters, batch, { training: false }).logits, vit.imageSize),
    }),
    batchSpec: (batchSize) => encoderBatchSpec({ vit, dropPath: 0 }, batchSize),
  };
}

function trainingFunction(context: Context, network: SegmentationNetwork): BatchedFunction {
  const { settings, facts, statistics, mode } = context;
  const { vit, decoder, auxiliary } = network;
  const [height, width] = vit.imageSize;
  const dropPath = mode === 'linear-probe' ? 0 : context.dropPath;
  const { dropout, loss } = settings;
  const classWeights = classWeightsOf(loss.classWeights, facts);
  const batchSpec = (batchSize: number): Readonly<Record<string, TensorSpec>> => {
    const kept = (channels: number): TensorSpec => ({ shape: [batchSize, channels], dtype: 'float32' });
    return {
      ...encoderBatchSpec({ vit, dropPath }, batchSize),
      labels: { shape: [batchSize, height, width], dtype: 'int32' },
      weights: { shape: [batchSize, height, width], dtype: 'float32' },
      ...(dropout > 0 ? { keepChannels: kept(decoder.channels) } : {}),
      ...(dropout > 0 && auxiliary !== undefined ? { keepAuxiliaryChannels: kept(auxiliary.channels) } : {}),
    };
  };
  const collate = (samples: readonly Sample[], random: Random): Batch => {
    const spec = batchSpec(samples.length);
    const keepScales = (name: string): Record<string, HostTensor> => {
      const shape = spec[name];
      if (shape === undefined) return {};
      const channels = shape.shape[1]!;
      return { [name]: { ...shape, data: channelScales(dropout, samples.length, channels, random.fork(name)) } };
    };
    return {
      ...createEncoderBatch(samples, { vit, dropPath }, random),
      ...labelBatch(samples, spec, classWeights),
      ...keepScales('keepChannels'),
      ...keepScales('keepAuxiliaryChannels'),
    };
  };
  // Batch norm and hard example mining look at the whole batch.
  const splits = settings.norm !== 'batch' && loss.ohem === null;
  return {
    fn: (parameters, batch) => {
      const { logits, auxiliary: extra, state } = network.run(parameters, batch, { training: true });
      const main = pixelLoss(logits, batch, vit.imageSize, loss);
      if (extra === undefined || auxiliary === undefined) return { loss: main, ...state };
      const second = pixelLoss(extra, batch, vit.imageSize, loss);
      return { loss: tf.add(main, tf.mul(second, auxiliary.weight)), auxiliaryLoss: second, ...state };
    },
    batchSpec,
    collate,
    ...(splits
      ? {
          collateParts: (samples, random, count) => {
            const parts = splitBatch(collate(samples, random), batchSpec, { batchSize: samples.length, count });
            // The weights sum to one over the whole; the mean over parts divides once more.
            return parts.map((part) => ({ ...part, weights: scaled(part.weights!, count) }));
          },
        }
      : {}),
    transforms: trainTransforms(vit, settings, statistics),
    target: targetSpec(settings, facts),
  };
}

function pixelLoss(
  coarse: tf.Tensor4D,
  batch: NamedTensors,
  imageSize: readonly [number, number],
  { ohem, dice }: SegmentSettings['loss'],
): tf.Scalar {
  const logits = logitsAtPixels(coarse, imageSize);
  const [batchSize, height, width, numClasses] = logits.shape;
  const numPixels = height * width;
  const labels = tf.reshape<tf.Rank.R1>(batch.labels!, [-1]);
  const weights = tf.reshape<tf.Rank.R1>(batch.weights!, [-1]);
  const rows = tf.reshape<tf.Rank.R2>(logits, [-1, numClasses]);
  const mining = ohem === null ? undefined : { thresh: ohem.thresh, minKept: ohem.minKept * batchSize };
  const crossEntropy = pixelCrossEntropy(rows, labels, weights, mining);
  if (dice === 0) return crossEntropy;
  const overlap = diceLoss(
    tf.reshape(logits, [batchSize, numPixels, numClasses]),
    tf.reshape(labels, [batchSize, numPixels]),
    tf.reshape(tf.cast(tf.notEqual(labels, IGNORE_INDEX), 'float32'), [batchSize, numPixels]),
  );
  return tf.add(crossEntropy, tf.mul(overlap, dice));
}

/** Labels and the weight of each pixel, which sum to one; to nothing where no pixel counts. */
function labelBatch(
  samples: readonly Sample[],
  spec: Readonly<Record<string, TensorSpec>>,
  classWeights: readonly number[] | undefined,
): Record<'labels' | 'weights', HostTensor> {
  const [, height, width] = spec.labels!.shape as [number, number, number];
  const size = height * width;
  const labels = new Int32Array(samples.length * size);
  const weights = new Float32Array(labels.length);
  samples.forEach(({ target }, index) => {
    labels.set((target as LabelMap).labels, index * size);
  });
  let total = 0;
  labels.forEach((label, index) => {
    if (label === IGNORE_INDEX) return;
    weights[index] = classWeights === undefined ? 1 : classWeights[label]!;
    total += weights[index];
  });
  if (total > 0) for (let index = 0; index < weights.length; index++) weights[index]! /= total;
  return { labels: { ...spec.labels!, data: labels }, weights: { ...spec.weights!, data: weights } };
}

/** 0 for channels that are dropped, 1 / keepProbability for the others: `[B, C]` (`torch.nn.Dropout2d`). */
function channelScales(rate: number, batchSize: number, channels: number, random: Random): Float32Array {
  const keep = 1 - rate;
  return Float32Array.from({ length: batchSize * channels }, () => (random.uniform() < keep ? 1 / keep : 0));
}

function scaled({ data, ...rest }: HostTensor, factor: number): HostTensor {
  return { ...rest, data: (data as Float32Array).map((value) => value * factor) };
}
