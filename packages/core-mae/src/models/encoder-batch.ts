import type * as tf from '@tensorflow/tfjs';
import type { EncodeOptions, VitConfig } from '../contracts/backbone.js';
import type { Sample } from '../contracts/dataset.js';
import type { NamedTensors } from '../contracts/engine.js';
import type { Random } from '../contracts/random.js';
import type { Batch, TensorSpec } from '../contracts/tensor.js';
import { MaeError } from '../base/errors.js';
import { drawDropPathScales, dropPathRates } from '../nn/drop-path.js';

/** What an encoder reads of a batch. */
export interface EncoderBatchOptions {
  readonly vit: VitConfig;
  /** Drop rate of the deepest block; 0 where nothing is dropped, and then no scales are part of the batch. */
  readonly dropPath: number;
}

/** `images` `[B, H, W, C]`, and with drop path `dropPathScales` `[depth, 2, B]`. */
export function encoderBatchSpec(
  { vit, dropPath }: EncoderBatchOptions,
  batchSize: number,
): Readonly<Record<string, TensorSpec>> {
  return {
    images: { shape: [batchSize, ...vit.imageSize, vit.inChannels], dtype: 'float32' },
    ...(dropPath > 0 ? { dropPathScales: { shape: [vit.depth, 2, batchSize], dtype: 'float32' } } : {}),
  };
}

/** The entries of {@link encoderBatchSpec} for these samples. */
export function createEncoderBatch(
  samples: readonly Sample[],
  { vit, dropPath }: EncoderBatchOptions,
  random: Random,
): Batch {
  const spec = encoderBatchSpec({ vit, dropPath }, samples.length);
  const rates = dropPathRates(vit.depth, dropPath);
  return {
    images: { ...spec.images!, data: stackPixels(samples, vit) },
    ...(dropPath > 0
      ? {
          dropPathScales: {
            ...spec.dropPathScales!,
            data: drawDropPathScales(rates, samples.length, random.fork('dropPath')),
          },
        }
      : {}),
  };
}

/** The batch's drop-path scales as a backbone takes them. */
export function encodeOptionsOf(batch: NamedTensors): EncodeOptions {
  const scales = batch.dropPathScales;
  return scales === undefined ? {} : { dropPathScales: scales as tf.Tensor3D };
}

/** Pictures side by side: `[B, H, W, C]`, float32. */
export function stackPixels(samples: readonly Sample[], { imageSize, inChannels }: VitConfig): Float32Array {
  const [height, width] = imageSize;
  const size = height * width * inChannels;
  const images = new Float32Array(samples.length * size);
  samples.forEach((sample, index) => {
    if (sample.pixels.length !== size) {
      throw new MaeError('SHAPE_MISMATCH', {
        what: `a picture of ${sample.height}×${sample.width}×${sample.channels} came where the model takes ${height}×${width}×${inChannels}`,
        where: sample.id,
        fix: 'end the transforms with a crop or resize to `imageSize`',
      });
    }
    images.set(sample.pixels, index * size);
  });
  return images;
}
