import type { PixelStatistics, TransformSpec, VitConfig } from '@mae-tasks/core-mae/task';
import type { DetectSettings } from './settings.js';

/** Share of an object's box that must be left in a picture that is cut out of a composition. */
const MIN_VISIBLE = 0.1;

/** How objects follow their picture in training. */
export function trainingTarget(augmentation: DetectSettings['augmentation']): TransformSpec {
  return { name: 'instances', ...(isComposed(augmentation) ? { options: { minVisible: MIN_VISIBLE } } : {}) };
}

/**
 * Large-scale jitter, a crop and a flip (detectron2's projects/ViTDet/configs/common/coco_loader_lsj.py); where pictures
 * are composed or moved, that of YOLO's detectors: compositions of pictures that fit the size, then scaled and moved.
 * Smaller pictures are not padded here, where nothing moves them: the detector does so, and knows where they end.
 */
export function trainingTransforms(
  { imageSize }: VitConfig,
  augmentation: DetectSettings['augmentation'],
  statistics: PixelStatistics,
): TransformSpec[] {
  const { scale, flip, color } = augmentation;
  return [
    ...(isComposed(augmentation)
      ? composedTransforms(imageSize, augmentation, statistics)
      : [{ name: 'scaleJitter', options: { size: imageSize, scale, pad: false } }]),
    ...(flip > 0 ? [{ name: 'horizontalFlip', options: { probability: flip } }] : []),
    ...(color > 0 ? [{ name: 'photometricDistortion', options: { probability: color } }] : []),
    { name: 'normalize', options: { ...statistics } },
  ];
}

function isComposed({ translate, mosaic, copyPaste }: DetectSettings['augmentation']): boolean {
  return translate !== null || mosaic > 0 || copyPaste > 0;
}

function composedTransforms(
  size: VitConfig['imageSize'],
  { scale, translate, mosaic, copyPaste, composeUntil: until }: DetectSettings['augmentation'],
  { mean }: PixelStatistics,
): TransformSpec[] {
  // What the detector pads with, once it is normalised.
  const fill = mean.map((value) => Math.round(255 * value));
  return [
    { name: 'resizeToFit', options: { size } },
    ...(mosaic > 0 ? [{ name: 'mosaic', options: { size, probability: mosaic, until, fill } }] : []),
    ...(copyPaste > 0 ? [{ name: 'copyPaste', options: { probability: copyPaste, until } }] : []),
    { name: 'randomAffine', options: { size, scale, translate: translate ?? 0, fill } },
  ];
}

/** The whole picture, as large as fits. */
export function wholePictureTransforms({ imageSize }: VitConfig, statistics: PixelStatistics): TransformSpec[] {
  return [
    { name: 'resizeToFit', options: { size: imageSize } },
    { name: 'normalize', options: { ...statistics } },
  ];
}
