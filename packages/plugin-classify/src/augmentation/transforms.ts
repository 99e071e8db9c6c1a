/*
 * augmentation/: what classification does to pictures while it learns, in timm's order: RandAugment, random erasing,
 * and mixing within a batch. `worker-transforms` is the module that worker threads load.
 * Not here: crops, flips and normalisation: core's `data/transforms`.
 * Called by: `model`, and `worker-transforms` by its path.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { evaluationTransforms, MaeError, type PixelStatistics, type TransformSpec } from '@mae-tasks/core-mae/task';
import { parseRandAugment } from './rand-augment.js';
import type { ClassifySettings } from '../settings.js';

/** Whether training sees every picture always the same. */
export function isPlain({ cropScale, flip, randAugment, randomErasing }: ClassifySettings['augmentation']): boolean {
  return cropScale === null && flip === 0 && randAugment === null && randomErasing === 0;
}

/**
 * Training's transforms in timm's order: crop and flip, RandAugment, normalisation, random erasing.
 *
 * @throws MaeError `CONFIG_INVALID` for a RandAugment string that is not understood
 */
export function trainTransforms(
  imageSize: readonly [number, number],
  { augmentation, cropPct }: Pick<ClassifySettings, 'augmentation' | 'cropPct'>,
  statistics: PixelStatistics,
): TransformSpec[] {
  const { cropScale, cropRatio, flip, randAugment, randomErasing } = augmentation;
  const evaluation = evaluationTransforms(imageSize, statistics, cropPct);
  const [normalize] = evaluation.slice(-1);
  const frame: TransformSpec[] =
    cropScale === null
      ? evaluation.slice(0, -1)
      : [{ name: 'randomResizedCrop', options: { size: imageSize, scale: cropScale, ratio: cropRatio } }];
  const fill = statistics.mean.map((value) => Math.min(255, Math.round(255 * value)));
  return [
    ...frame,
    ...(flip > 0 ? [{ name: 'horizontalFlip', options: { probability: flip } }] : []),
    ...(randAugment === null ? [] : [ours('randAugment', { policy: checkedPolicy(randAugment), fill })]),
    normalize!,
    ...(randomErasing > 0 ? [ours('randomErasing', { probability: randomErasing })] : []),
  ];
}

function ours(name: string, options: Readonly<Record<string, unknown>>): TransformSpec {
  return { name, module: workerModule(), options };
}

/** The built module, which worker threads can load: beside this one, or in `dist/` when this runs from its source. */
function workerModule(): string {
  const beside = new URL('./worker-transforms.js', import.meta.url);
  return (existsSync(fileURLToPath(beside)) ? beside : new URL('../../dist/worker-transforms.js', import.meta.url))
    .href;
}

function checkedPolicy(text: string): string {
  try {
    parseRandAugment(text);
    return text;
  } catch (cause) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`classify.augmentation.randAugment\`: ${cause instanceof Error ? cause.message : text}`,
      fix: 'for example rand-m9-mstd0.5-inc1, or null for none',
      cause,
    });
  }
}
