import {
  type Baseline,
  type Batch,
  type BatchedFunction,
  createEncoderBatch,
  encodeOptionsOf,
  encoderBatchSpec,
  evaluationTransforms,
  type FrozenEncoder,
  type NamedTensors,
  type Objective,
  type Outputs,
  type Random,
  type Sample,
  splitBatch,
  type TaskContext,
  type TaskModel,
  type TensorFunction,
  type TensorSpec,
} from '@mae-tasks/core-mae/task';
import * as tf from '@tensorflow/tfjs';
import { createAccuracyEvaluator } from './accuracy.js';
import { type ClassifyFacts, classWeightsOf } from './facts.js';
import { linearHead, linearHeadSpecs, poolSpecs, poolTokens, probeHead, probeHeadSpecs } from './linear-head.js';
import { smoothedTargets, softTargetLoss, weighTargets } from './loss.js';
import { mixBatch } from './augmentation/mix.js';
import { type ClassPrediction, createPrediction } from './prediction.js';
import type { ClassifySettings } from './settings.js';
import { isPlain, trainTransforms } from './augmentation/transforms.js';

type Context = TaskContext<ClassifySettings, ClassifyFacts>;

/** A linear classifier on the encoder's pooled tokens. @throws MaeError `CONFIG_INVALID` */
export function createClassifier(context: Context): TaskModel<ClassPrediction, Outputs> {
  const { settings, facts, vit, backbone, statistics } = context;
  const probe = context.mode === 'linear-probe';
  const dropPath = probe ? 0 : context.dropPath;
  const pooling = { pool: settings.pool, probe, layerNormEps: vit.layerNormEps };
  const numClasses = facts.classNames.length;
  const headSpecs = probe ? probeHeadSpecs(vit.embedDim, numClasses) : linearHeadSpecs(vit.embedDim, numClasses);
  const evalTransforms = evaluationTransforms(vit.imageSize, statistics, settings.cropPct);
  const makeTargets = targetMaker(context);

  const featuresOf = (parameters: NamedTensors, batch: NamedTensors, images = batch.images as tf.Tensor4D) =>
    poolTokens(parameters, backbone.encode(parameters, images, vit, encodeOptionsOf(batch)), pooling);
  const evaluateFn: TensorFunction = (parameters, batch) => {
    const logitsOf = (images: tf.Tensor4D) => evaluationHead(parameters, featuresOf(parameters, batch, images), probe);
    const images = batch.images as tf.Tensor4D;
    const logits = logitsOf(images);
    return { logits: settings.testTimeFlip ? tf.mul(tf.add(logits, logitsOf(tf.reverse(images, 2))), 0.5) : logits };
  };
  const evaluation: BatchedFunction = {
    fn: evaluateFn,
    batchSpec: (batchSize) => encoderBatchSpec({ vit, dropPath: 0 }, batchSize),
    collate: (samples, random) => createEncoderBatch(samples, { vit, dropPath: 0 }, random),
    transforms: evalTransforms,
  };
  const batchSpec = (batchSize: number): Readonly<Record<string, TensorSpec>> => ({
    ...encoderBatchSpec({ vit, dropPath }, batchSize),
    targets: { shape: [batchSize, numClasses], dtype: 'float32' },
  });
  const collate = (samples: readonly Sample[], random: Random): Batch => {
    const batch = createEncoderBatch(samples, { vit, dropPath }, random);
    const targets = makeTargets(samples);
    const [height, width] = vit.imageSize;
    const images = batch.images!.data as Float32Array;
    const size = { height, width, channels: vit.inChannels };
    mixBatch({ images, targets: targets.data }, size, settings, random.fork('mix'));
    return { ...batch, targets };
  };
  const training: BatchedFunction = {
    fn: (parameters, batch) => trainingHead(parameters, featuresOf(parameters, batch), batch, probe),
    batchSpec,
    collate,
    // A probe's batch norm reads the whole batch.
    ...(probe
      ? {}
      : {
          collateParts: (samples, random, count) =>
            splitBatch(collate(samples, random), batchSpec, { batchSize: samples.length, count }),
        }),
    transforms: trainTransforms(vit.imageSize, settings, statistics),
  };
  const objective: Objective<Outputs> = {
    name: 'classify',
    parameters: { ...backbone.parameters(vit), ...poolSpecs(vit.embedDim, pooling), ...headSpecs },
    training,
    evaluation,
    createEvaluator: () => createAccuracyEvaluator(facts.classNames),
    primaryMetric: { name: 'valTop1', better: 'higher' },
    baseline: priorBaseline(settings, facts),
    ...(probe ? { minBatchSize: 2 } : {}),
  };
  const mixes = settings.mixup > 0 || settings.cutmix > 0;
  return {
    objective,
    prediction: createPrediction(evaluation, context),
    // A checkpoint of another classifier lends its encoder; a plain ViT's `norm` has no use where patches are averaged.
    checkpoint: {
      allowMissing: ['head.', 'fc_norm.'],
      allowUnexpected: ['head.', 'fc_norm.', ...(pooling.pool === 'mean' && !probe ? ['norm.'] : [])],
    },
    frozenEncoder:
      probe && isPlain(settings.augmentation) && !mixes && !settings.testTimeFlip
        ? onFeatures(objective, { encode: { ...evaluation, fn: encodeFn(featuresOf) }, makeTargets, headSpecs })
        : undefined,
  };
}

/** The loss of a model that always answers with the classes' shares: the entropy of their smoothed shares. */
function priorBaseline(
  { classWeights, labelSmoothing }: ClassifySettings,
  { counts }: ClassifyFacts,
): Baseline | undefined {
  // Weighted targets do not sum to one.
  if (classWeights !== null) return undefined;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const shares = counts.map((count) => (1 - labelSmoothing) * (count / total) + labelSmoothing / counts.length);
  return {
    metric: 'loss',
    better: 'lower',
    value: -shares.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0),
    of: 'a model that guesses by how frequent the classes are',
    advice: 'raise `optimizer.lr`, train for longer, or augment less (`classify.mixup`, `classify.augmentation`)',
  };
}

function encodeFn(featuresOf: (parameters: NamedTensors, batch: NamedTensors) => tf.Tensor2D): TensorFunction {
  return (parameters, batch) => ({ features: featuresOf(parameters, batch) });
}

function trainingHead(parameters: NamedTensors, features: tf.Tensor2D, batch: NamedTensors, probe: boolean) {
  const { logits, state } = probe
    ? probeHead(parameters, features, { training: true })
    : { logits: linearHead(parameters, features), state: {} };
  return { loss: softTargetLoss(logits, batch.targets as tf.Tensor2D), ...state };
}

function evaluationHead(parameters: NamedTensors, features: tf.Tensor2D, probe: boolean): tf.Tensor2D {
  return probe ? probeHead(parameters, features, { training: false }).logits : linearHead(parameters, features);
}

type MakeTargets = (samples: readonly Sample[]) => {
  readonly shape: readonly number[];
  readonly dtype: 'float32';
  readonly data: Float32Array;
};

/** Smoothed and weighted targets of samples, `[B, K]`. */
function targetMaker({ settings, facts }: Context): MakeTargets {
  const numClasses = facts.classNames.length;
  const weights = classWeightsOf(settings.classWeights, facts);
  return (samples) => {
    const labels = samples.map(({ target }) => target as number);
    const data = smoothedTargets(labels, numClasses, settings.labelSmoothing);
    if (weights !== undefined) weighTargets(data, weights);
    return { shape: [samples.length, numClasses], dtype: 'float32', data };
  };
}

/** The classifier alone, on features `[B, D]`. */
function onFeatures(
  objective: Objective<Outputs>,
  parts: {
    readonly encode: BatchedFunction;
    readonly makeTargets: MakeTargets;
    readonly headSpecs: Objective['parameters'];
  },
): FrozenEncoder {
  const { encode, makeTargets, headSpecs } = parts;
  const weight = headSpecs['head.1.weight']!;
  const [numClasses, width] = weight.shape as [number, number];
  const features = (samples: readonly Sample[]) => {
    const data = new Float32Array(samples.length * width);
    samples.forEach(({ pixels }, index) => data.set(pixels, index * width));
    return { shape: [samples.length, width], dtype: 'float32', data } as const;
  };
  const spec = (batchSize: number) => ({ features: { shape: [batchSize, width], dtype: 'float32' } }) as const;
  const head: Objective<Outputs> = {
    ...objective,
    parameters: headSpecs,
    training: {
      fn: (parameters, batch) => trainingHead(parameters, batch.features as tf.Tensor2D, batch, true),
      batchSpec: (batchSize) => ({
        ...spec(batchSize),
        targets: { shape: [batchSize, numClasses], dtype: 'float32' },
      }),
      collate: (samples) => ({
        features: features(samples),
        targets: makeTargets(samples),
      }),
      transforms: encode.transforms,
    },
    evaluation: {
      fn: (parameters, batch) => ({ logits: evaluationHead(parameters, batch.features as tf.Tensor2D, true) }),
      batchSpec: spec,
      collate: (samples) => ({ features: features(samples) }),
      transforms: encode.transforms,
    },
  };
  return { encode, head };
}
