import { type HostTensor, MaeError, type Sample, sizeOf, type TensorData } from '@mae-tasks/core-mae/task';
import type { EncoderConfig } from './detector-config.js';

/**
 * Normalised pictures of any size in one tensor `[B, H, W, C]`, each at the top left, zeros around it (which after
 * normalisation is the mean colour, as detectron2 pads).
 *
 * @param batchSize pictures in the tensor; those past the samples are empty
 * @throws MaeError `SHAPE_MISMATCH` for a picture that is larger, has other channels or is not normalised
 */
export function padPictures(
  samples: readonly Sample[],
  { vit }: Pick<EncoderConfig, 'vit'>,
  batchSize: number,
): HostTensor {
  const [height, width] = vit.imageSize;
  const channels = vit.inChannels;
  const data = new Float32Array(batchSize * height * width * channels);
  samples.forEach((sample, picture) => {
    requireFit(sample, vit.imageSize, channels);
    const rowLength = sample.width * channels;
    for (let y = 0; y < sample.height; y++) {
      const row = sample.pixels.subarray(y * rowLength, (y + 1) * rowLength);
      data.set(row, (picture * height + y) * width * channels);
    }
  });
  return { shape: [batchSize, height, width, channels], dtype: 'float32', data };
}

function requireFit(sample: Sample, [height, width]: readonly [number, number], channels: number): void {
  const refuse = (what: string, fix: string): never => {
    throw new MaeError('SHAPE_MISMATCH', { what, where: sample.id, fix });
  };
  if (sample.width > width || sample.height > height) {
    refuse(`the picture is ${sample.width} × ${sample.height}, larger than ${width} × ${height}`, 'resize it first');
  }
  if (sample.channels !== channels) refuse(`the picture has ${sample.channels} channels`, `expected ${channels}`);
  if (!(sample.pixels instanceof Float32Array))
    refuse('the picture is not normalised', 'add the transform `normalize`');
}

/** One picture's values in a tensor whose first axis is the batch's: a view. */
export function pictureRow({ data, shape }: HostTensor, picture: number): TensorData {
  const length = sizeOf(shape.slice(1));
  return data.subarray(picture * length, (picture + 1) * length);
}
