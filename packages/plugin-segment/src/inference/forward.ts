import {
  type HostTensor,
  type PixelStatistics,
  type SamplePipeline,
  shapesOf,
  type SteppedForward,
  type TensorFunction,
} from '@mae-tasks/core-mae/task';
import type { SegmentationNetwork } from '../network.js';
import type { SegmentSettings } from '../settings.js';
import { segmentPictures } from './segment-pictures.js';

export interface SegmentationForwardOptions {
  readonly network: SegmentationNetwork;
  readonly numClasses: number;
  readonly statistics: PixelStatistics;
  readonly inference: SegmentSettings['inference'];
  /** The pictures' targets, where they have some. */
  readonly target?: SamplePipeline['target'];
}

/** The name of a picture's classes among the outputs, `[height, width]` int32. */
export function labelsOutput(index: number): string {
  return `labels.${index}`;
}

/**
 * Pictures of any size in, classes of their pixels out: windows of one size go through one compiled program. Samples have
 * their pixels as decoded, 0–255.
 */
export function segmentationForward(options: SegmentationForwardOptions): SteppedForward {
  const { network, numClasses, statistics, inference, target } = options;
  const { vit, stride, specs } = network;
  const [height, width] = vit.imageSize;
  const fn: TensorFunction = (parameters, batch) => ({
    logits: network.run(parameters, batch, { training: false }).logits,
  });
  return {
    transforms: [],
    ...(target === undefined ? {} : { target }),
    async createStep({ engine, batchSize }) {
      const program = await engine.compile({
        name: 'segment.windows',
        fn,
        parameters: shapesOf(specs),
        batch: { images: { shape: [batchSize, height, width, vit.inChannels], dtype: 'float32' } },
      });
      return {
        async run(parameters, samples) {
          const labels = await segmentPictures(samples, {
            window: { height, width },
            stride,
            numClasses,
            statistics,
            inference,
            batchSize,
            forward: async (images) => (await program.run(parameters, { images })).logits!,
          });
          return Object.fromEntries(
            samples.map((sample, index) => {
              const shape = [sample.height, sample.width];
              const output: HostTensor = { shape, dtype: 'int32', data: Int32Array.from(labels[index]!) };
              return [labelsOutput(index), output];
            }),
          );
        },
        dispose: () => {
          program.dispose();
        },
      };
    },
  };
}
