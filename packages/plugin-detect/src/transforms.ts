import type { PixelStatistics, TransformSpec, VitConfig } from '@mae-tasks/core-mae/task';
import type { DetectSettings } from './settings.js';

/** How objects follow their picture in training. */
export const trainingTarget: TransformSpec = { name: 'instances' };

/**
 * Large-scale jitter, a crop and a flip (detectron2's projects/ViTDet/configs/common/coco_loader_lsj.py). Smaller
 * pictures are not padded here: the detector does so, and knows where they end.
 */
export function trainingTransforms(
  { imageSize }: VitConfig,
  { scale, flip }: DetectSettings['augmentation'],
  statistics: PixelStatistics,
): TransformSpec[] {
  return [
    { name: 'scaleJitter', options: { size: imageSize, scale, pad: false } },
    ...(flip > 0 ? [{ name: 'horizontalFlip', options: { probability: flip } }] : []),
    { name: 'normalize', options: { ...statistics } },
  ];
}

/** The whole picture, as large as fits. */
export function wholePictureTransforms({ imageSize }: VitConfig, statistics: PixelStatistics): TransformSpec[] {
  return [
    { name: 'resizeToFit', options: { size: imageSize } },
    { name: 'normalize', options: { ...statistics } },
  ];
}
