import * as tf from '@tensorflow/tfjs';
import { mergeCheckpoint } from '../../checkpoint/merge.js';
import { openWeights, type Weights } from '../../checkpoint/open-weights.js';
import type { Backbone, VitConfig } from '../../contracts/backbone.js';
import type { Dataset } from '../../contracts/dataset.js';
import type { Engine } from '../../contracts/engine.js';
import type { BatchedFunction } from '../../contracts/objective.js';
import type { BadImage } from '../../data/loading/bad-images.js';
import { createLoader } from '../../data/loading/loader.js';
import { createEncoderBatch, encoderBatchSpec } from '../../models/encoder-batch.js';
import { vitBackbone, vitNormSpecs } from '../../models/vit.js';
import { layerNorm, layerNormSpecs } from '../../nn/layer-norm.js';
import { allocateOnHeap, prefixed, shapesOf } from '../../nn/params.js';
import { valueWarnings } from '../../data/tools/examine-values.js';
import { createRandom } from '../../base/random.js';
import { patchGrid } from '../../models/vit-config.js';
import type { GridSize } from '../../nn/interpolate-bicubic.js';
import { checkSettings } from '../../base/check-settings.js';
import type { Registry } from '../../plugin/container.js';
import type { GivenHeads } from '../inputs/describe-weights.js';
import { resolveEncoder } from '../settings/encoder-settings.js';
import { type CheckpointSettings, embedSettings, overlayReading } from '../settings/use-settings.js';
import { decodeOptionsOf, type ReadingSettings, statisticsOf } from '../settings/data-settings.js';
import { describeEncoder } from '../inputs/pretrained-encoder.js';
import { trainingMetadataOf } from '../inputs/training-metadata.js';
import { compileForward } from '../loop/steps.js';
import { evaluationTransforms } from '../inputs/transform-recipes.js';
import { savedTaskModel } from './load.js';

/** Which vector stands for a picture: the mean of its patches' tokens, or the class token. */
export type Pooling = 'mean' | 'class-token';

export interface EmbedOptions {
  readonly engine: Engine;
  /** A run or a checkpoint with an encoder and its final norm (or `fc_norm`). */
  readonly checkpoint: string;
  /** Tasks and backbones to find a fine-tuned checkpoint's among. Default: none, and MAE's own backbone. */
  readonly registry?: Pick<Registry, 'tasks' | 'backbones'>;
  readonly data: Dataset;
  readonly pooling: Pooling;
  readonly batchSize: number;
  /** Share of a picture's shorter side that is looked at, as in {@link evaluationTransforms}. */
  readonly cropPct?: number | undefined;
  /** Laid over what the checkpoint says of itself, as plain data: `{ model: { numHeads: 8 } }`, `{ checkpoint: { prefix } }`. */
  readonly settings?: CheckpointSettings | undefined;
  /** The values that are black and white, as `data.valueRange`. Default: that of the run. */
  readonly valueRange?: readonly [low: number, high: number] | undefined;
  readonly reportBadImage?: (bad: BadImage) => void;
  /** Called with what was done to the names of the weights, and what had to be guessed of them. */
  readonly reportWarning?: ((message: string) => void) | undefined;
}

/** A picture's features. */
export interface Embedding {
  readonly id: string;
  readonly features: Float32Array;
}

/** Parts of classifiers that features have no use for; those of other tasks their plugins name. */
const CLASSIFIER_PARTS = ['head.', 'fc_norm.'];

/**
 * Features of the usable pictures, each once in the data set's order, from a checkpoint's encoder, with the backbone and the way of reading pictures of its run,
 * normalised by its final norm where the checkpoint has one. The weights are the moving average where the run kept one.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, `CHECKPOINT_MISMATCH` naming every tensor that is neither part of the encoder
 * nor known to be of no use to it, `DATA_INVALID` where no picture can be used, or `PLUGIN_MISSING` for the run of a task
 * that is not in the registry
 */
export async function* embed(options: EmbedOptions): AsyncGenerator<Embedding, void, undefined> {
  const { engine, checkpoint, registry, data, pooling } = options;
  const settings = checkSettings(embedSettings, options.settings ?? {}, 'the settings of embed');
  const weights = await openWeights(checkpoint, settings.checkpoint);
  const { tensors } = weights;
  const used = encoderOf(weights, registry ?? { tasks: new Map(), backbones: CORE }, settings.model);
  const { backbone, unused } = used;
  const vit = resolveEncoder(settings.model, used.vit);
  const reading = overlayReading(used.reading, settings.data, options.settings?.data);
  for (const message of [...weights.remarks, ...used.warnings]) options.reportWarning?.(message);
  const hasNorm = tensors.has('norm.weight');
  // A model fine-tuned on the mean of its patches has a norm after the mean instead (official models_vit.py).
  const hasPoolNorm = pooling === 'mean' && tensors.has('fc_norm.weight');
  const specs = {
    ...backbone.parameters(vit),
    ...(hasNorm ? vitNormSpecs(vit) : {}),
    ...(hasPoolNorm ? prefixed('fc_norm.', layerNormSpecs(vit.embedDim)) : {}),
  };
  const parameters = allocateOnHeap(shapesOf(specs));
  const positions = used.isForeign ? { pos_embed: { from: gridOf(used.vit), to: gridOf(vit) } } : undefined;
  mergeCheckpoint(parameters, tensors, { path: checkpoint, allowUnexpected: unused, ...(positions && { positions }) });

  const eps = vit.layerNormEps;
  const forward: BatchedFunction = {
    fn: (weights, batch) => {
      const tokens = backbone.encode(weights, batch.images as tf.Tensor4D, vit);
      const normed = hasNorm ? layerNorm(tokens, weights['norm.weight']!, weights['norm.bias']!, eps) : tokens;
      const [numTokens, batchSize, width] = tokens.shape;
      const features =
        pooling === 'mean'
          ? tf.mean(tf.slice(normed, [1, 0, 0], [numTokens - 1, batchSize, width]), 0)
          : tf.reshape(tf.slice(normed, [0, 0, 0], [1, batchSize, width]), [batchSize, width]);
      return {
        features: hasPoolNorm
          ? layerNorm(features, weights['fc_norm.weight']!, weights['fc_norm.bias']!, eps)
          : features,
      };
    },
    batchSpec: (batchSize) => encoderBatchSpec({ vit, dropPath: 0 }, batchSize),
    collate: (samples, random) => createEncoderBatch(samples, { vit, dropPath: 0 }, random),
    transforms: evaluationTransforms(vit.imageSize, statisticsOf(reading, vit.inChannels), options.cropPct),
  };
  const batchSize = Math.min(options.batchSize, data.size);
  const step = await compileForward('embed', forward, specs, { engine, batchSize });
  const random = createRandom(0);
  const ofRun = decodeOptionsOf(reading, vit.inChannels);
  const decode = options.valueRange === undefined ? ofRun : { ...ofRun, valueRange: options.valueRange };
  if (options.reportWarning !== undefined) {
    for (const line of await valueWarnings(data, decode)) options.reportWarning(line);
  }
  const loader = await createLoader({
    dataset: data,
    pipeline: { decode, transforms: forward.transforms },
    batchSize,
    random,
    shuffle: false,
    dropLast: false,
    onBadImage: 'skip',
    maxBadImages: Infinity,
    ...(options.reportBadImage === undefined ? {} : { reportBadImage: options.reportBadImage }),
    ...(options.reportWarning === undefined ? {} : { reportWarning: options.reportWarning }),
  });
  try {
    for await (const samples of loader.batches(0)) {
      const { features } = await step.run(parameters, samples, random);
      const width = features!.shape[1]!;
      for (const [index, { id }] of samples.entries()) {
        yield { id, features: (features!.data as Float32Array).slice(index * width, (index + 1) * width) };
      }
    }
  } finally {
    step.dispose();
    await loader.close();
  }
}

const CORE: ReadonlyMap<string, Backbone> = new Map([[vitBackbone.name, vitBackbone]]);

interface UsedEncoder {
  readonly vit: VitConfig;
  readonly backbone: Backbone;
  readonly reading: ReadingSettings;
  /** What the checkpoint may hold besides: names, or prefixes that end with a dot. */
  readonly unused: readonly string[];
  readonly warnings: readonly string[];
  /** Whether no run says how it was made. */
  readonly isForeign: boolean;
}

function gridOf(vit: VitConfig): GridSize {
  const { height, width } = patchGrid(vit);
  return { height, width };
}

function encoderOf(weights: Weights, registry: Pick<Registry, 'tasks' | 'backbones'>, given: GivenHeads): UsedEncoder {
  const saved = trainingMetadataOf(weights.metadata, weights.path);
  if (saved === undefined || saved.objective === 'pretrain') {
    const unused = [...vitBackbone.pretrainingOnly, ...CLASSIFIER_PARTS];
    const isForeign = saved === undefined;
    return { ...describeEncoder(weights, given), backbone: vitBackbone, unused, isForeign };
  }
  const { vit, backbone, config, model } = savedTaskModel(saved, weights.path, registry);
  // What a task adds inside of the blocks (a detector's relative positions) changes the features: it is not of no use.
  const head = model.checkpoint.allowMissing.filter((name) => backbone.layerOf(name, vit) === undefined);
  return {
    vit,
    backbone,
    reading: config.data,
    unused: [...CLASSIFIER_PARTS, ...head],
    warnings: [],
    isForeign: false,
  };
}
