/*
 * pooling/: features of regions: RoIAlign as WebAssembly and its gradient, and regions laid out for the heads'
 * programs (this file).
 * Not here: choosing the regions: `inference/`, `training/`.
 * Called by: `inference/` and `training/`.
 */

import type { HostTensor } from '@mae-tasks/core-mae/task';
import { type DetectorConfig, pyramidStrides } from '../network/detector-config.js';
import { POOLED_LEVELS } from '../network/detector.js';
import { assignLevels, type FeatureLevel, type Regions } from './roi-align.js';

/** The levels that regions are pooled from, out of a program's outputs, or out of a batch behind `prefix`. */
export function pooledLevels(
  tensors: Readonly<Record<string, HostTensor>>,
  { vit }: DetectorConfig,
  prefix = '',
): FeatureLevel[] {
  const strides = pyramidStrides(vit);
  return POOLED_LEVELS.map((name, index) => {
    const { data, shape } = tensors[prefix + name]!;
    return { data: data as Float32Array, shape, stride: strides[index]! };
  });
}

/** Boxes of several pictures one after another, each with its picture and its level. */
export function joinRegions(boxesByPicture: readonly Float32Array[], { vit }: DetectorConfig): Regions {
  const boxes = new Float32Array(boxesByPicture.reduce((sum, { length }) => sum + length, 0));
  const pictures = new Int32Array(boxes.length / 4);
  let at = 0;
  boxesByPicture.forEach((part, picture) => {
    boxes.set(part, at);
    pictures.fill(picture, at / 4, (at + part.length) / 4);
    at += part.length;
  });
  return { boxes, pictures, levels: assignLevels(boxes, pyramidStrides(vit).slice(0, POOLED_LEVELS.length)) };
}

/**
 * How many regions a program is compiled for, so that it takes `count`: programs have fixed shapes, and four sizes for
 * every doubling waste little and are compiled once each.
 *
 * @param largest the size that most steps have
 */
export function programSize(count: number, largest: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(count, 1))) - 2);
  const size = Math.ceil(count / step) * step;
  return count <= largest ? Math.min(size, largest) : size;
}
