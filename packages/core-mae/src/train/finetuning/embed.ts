import * as tf from '@tensorflow/tfjs';
import { loadCheckpoint } from '../../checkpoint/load.js';
import { mergeCheckpoint } from '../../checkpoint/merge.js';
import type { Dataset } from '../../contracts/dataset.js';
import type { Engine } from '../../contracts/engine.js';
import type { BatchedFunction } from '../../contracts/objective.js';
import type { BadImage } from '../../data/loading/bad-images.js';
import { createLoader } from '../../data/loading/loader.js';
import { createEncoderBatch, encoderBatchSpec } from '../../models/encoder-batch.js';
import { vitBackbone, vitNormSpecs } from '../../models/vit.js';
import { layerNorm, layerNormSpecs } from '../../nn/layer-norm.js';
import { allocateOnHeap, prefixed, shapesOf } from '../../nn/params.js';
import { createRandom } from '../../base/random.js';
import { checkSettings } from '../../base/check-settings.js';
import { decodeOptionsOf, readingSettings, statisticsOf } from '../settings/data-settings.js';
import { describeCheckpoint } from '../inputs/pretrained-encoder.js';
import { createForwardStep } from '../loop/steps.js';
import { evaluationTransforms } from '../inputs/transform-recipes.js';

/** Which vector stands for a picture: the mean of its patches' tokens, or the class token. */
export const POOLINGS = ['mean', 'class-token'] as const;
export type Pooling = (typeof POOLINGS)[number];

export interface EmbedOptions {
  readonly engine: Engine;
  /** A run or a checkpoint with an encoder and its final norm (or `fc_norm`). */
  readonly checkpoint: string;
  readonly data: Dataset;
  readonly pooling: Pooling;
  readonly batchSize: number;
  /** Share of a picture's shorter side that is looked at, as in {@link evaluationTransforms}. */
  readonly cropPct?: number | undefined;
  readonly reportBadImage?: (bad: BadImage) => void;
}

/** A picture's features. */
export interface Embedding {
  readonly id: string;
  readonly features: Float32Array;
}

/**
 * Features of pictures from an encoder, normalised by its final norm where the checkpoint has one.
 *
 * @throws MaeError `CHECKPOINT_INVALID` or `CHECKPOINT_MISMATCH`
 */
export async function* embed(options: EmbedOptions): AsyncGenerator<Embedding, void, undefined> {
  const { engine, checkpoint, data, pooling } = options;
  const described = await describeCheckpoint(checkpoint);
  const { vit } = described;
  const { tensors } = await loadCheckpoint(checkpoint);
  const hasNorm = tensors.has('norm.weight');
  // A model fine-tuned on the mean of its patches has a norm after the mean instead (official models_vit.py).
  const hasPoolNorm = pooling === 'mean' && tensors.has('fc_norm.weight');
  const specs = {
    ...vitBackbone.parameters(vit),
    ...(hasNorm ? vitNormSpecs(vit) : {}),
    ...(hasPoolNorm ? prefixed('fc_norm.', layerNormSpecs(vit.embedDim)) : {}),
  };
  const parameters = allocateOnHeap(shapesOf(specs));
  const others = [...tensors.keys()].filter((name) => !(name in specs));
  mergeCheckpoint(parameters, tensors, { path: checkpoint, allowUnexpected: others });

  const reading = checkSettings(readingSettings, { mean: described.mean ?? null, std: described.std ?? null });
  const forward: BatchedFunction = {
    fn: (weights, batch) => {
      const tokens = vitBackbone.encode(weights, batch.images as tf.Tensor4D, vit);
      const normed = hasNorm ? layerNorm(tokens, weights['norm.weight']!, weights['norm.bias']!) : tokens;
      const [numTokens, batchSize, width] = tokens.shape;
      const features =
        pooling === 'mean'
          ? tf.mean(tf.slice(normed, [1, 0, 0], [numTokens - 1, batchSize, width]), 0)
          : tf.reshape(tf.slice(normed, [0, 0, 0], [1, batchSize, width]), [batchSize, width]);
      return {
        features: hasPoolNorm ? layerNorm(features, weights['fc_norm.weight']!, weights['fc_norm.bias']!) : features,
      };
    },
    batchSpec: (batchSize) => encoderBatchSpec({ vit, dropPath: 0 }, batchSize),
    collate: (samples, random) => createEncoderBatch(samples, { vit, dropPath: 0 }, random),
    transforms: evaluationTransforms(vit.imageSize, statisticsOf(reading, vit.inChannels), options.cropPct),
  };
  const batchSize = Math.min(options.batchSize, data.size);
  const step = await createForwardStep('embed', forward, specs, { engine, batchSize });
  const random = createRandom(0);
  const loader = await createLoader({
    dataset: data,
    pipeline: { decode: decodeOptionsOf(reading, vit.inChannels), transforms: forward.transforms },
    batchSize,
    random,
    shuffle: false,
    dropLast: false,
    onBadImage: 'skip',
    ...(options.reportBadImage === undefined ? {} : { reportBadImage: options.reportBadImage }),
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
