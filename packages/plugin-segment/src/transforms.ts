import type { PixelStatistics, TransformSpec, VitConfig } from '@mae-tasks/core-mae/task';
import type { SegmentFacts } from './facts.js';
import { IGNORE_INDEX } from './loss.js';
import type { SegmentSettings } from './settings.js';

/** Training's transforms, in mmsegmentation's order: resize, crop, flip, colours, normalisation. */
export function trainTransforms(
  { imageSize, inChannels }: VitConfig,
  { augmentation }: SegmentSettings,
  statistics: PixelStatistics,
): TransformSpec[] {
  const { scale, shorter, catMaxRatio, flip, photometric } = augmentation;
  return [
    {
      name: 'semanticCrop',
      options: {
        size: imageSize,
        ...(shorter === null ? {} : { shorter }),
        scale,
        catMaxRatio,
        ignoreIndex: IGNORE_INDEX,
        fill: statistics.mean.map((value) => Math.round(255 * value)),
      },
    },
    ...(flip > 0 ? [{ name: 'horizontalFlip', options: { probability: flip } }] : []),
    // Hue and saturation are those of three channels.
    ...(photometric && inChannels === 3 ? [{ name: 'photometricDistortion' }] : []),
    { name: 'normalize', options: { ...statistics } },
  ];
}

/** How a picture's classes are loaded and follow it. */
export function targetSpec({ background }: SegmentSettings, { classNames }: SegmentFacts): TransformSpec {
  return { name: 'semantic', options: { background, ignoreIndex: IGNORE_INDEX, numClasses: classNames.length } };
}
