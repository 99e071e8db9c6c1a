import {
  type LabelMap,
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

/**
 * Pictures of any size in, for each the classes of its pixels out: windows of one size go through one compiled program.
 * Samples have their pixels as decoded, 0–255.
 */
export function segmentationForward(options: SegmentationForwardOptions): SteppedForward<readonly LabelMap[]> {
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
          return samples.map((sample, index) => ({
            width: sample.width,
            height: sample.height,
            labels: labels[index]!,
          }));
        },
        dispose: () => {
          program.dispose();
        },
      };
    },
  };
}
