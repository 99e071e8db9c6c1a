import type { ExportedProgram } from '@mae-tasks/core-mae/task';
import { boxStages } from '../network/box-stages.js';
import { createDetectionPipeline, type Detect, type RegionProgram, type RunProgram } from './detection-pipeline.js';
import { programSize } from '../pooling/pooled-regions.js';
import type { DetectorConfig } from '../network/detector-config.js';
import { boxFunction, boxSpec, maskFunction, maskSpec, pictureSpec, trunkFunction } from '../network/detector.js';

/**
 * The detector's programs as they are exported: `trunk`, `box` (in a cascade `box0`, `box1`, …) and, with masks, `mask`.
 * The heads take as many regions as there can be.
 */
export function exportedPrograms(config: DetectorConfig): Readonly<Record<string, ExportedProgram>> {
  const boxes = boxNames(config).map((name, index): [string, ExportedProgram] => [
    name,
    {
      fn: boxFunction(config, boxStages(config)[index]!),
      batchSpec: (batchSize) => boxSpec(config, mostRegions(config, batchSize)),
    },
  ]);
  return {
    trunk: { fn: trunkFunction(config), batchSpec: (batchSize) => pictureSpec(config, batchSize, false) },
    ...Object.fromEntries(boxes),
    ...(config.maskHead === undefined
      ? {}
      : {
          mask: {
            fn: maskFunction(config),
            batchSpec: (batchSize) => maskSpec(config, mostMasks(config, batchSize)),
          },
        }),
  };
}

/**
 * Finds objects by the exported programs.
 *
 * @param batchSize pictures that the programs take; undefined: any number
 * @param run runs the program of this name
 */
export function exportedPipeline(
  config: DetectorConfig,
  batchSize: number | undefined,
  run: (program: string) => RunProgram,
): Detect {
  const ofSize = (most: (config: DetectorConfig, batchSize: number) => number, program: string): RegionProgram => ({
    sizeFor: batchSize === undefined ? (count) => programSize(count, Infinity) : () => most(config, batchSize),
    run: run(program),
  });
  return createDetectionPipeline(config, {
    batchSize,
    trunk: run('trunk'),
    boxes: boxNames(config).map((name) => ofSize(mostRegions, name)),
    masks: config.maskHead === undefined ? undefined : ofSize(mostMasks, 'mask'),
  });
}

function boxNames(config: DetectorConfig): string[] {
  return boxStages(config).map((_, index) => (config.cascade === undefined ? 'box' : `box${index}`));
}

function mostRegions({ rpn }: DetectorConfig, batchSize: number): number {
  return batchSize * rpn.test.afterNms;
}

function mostMasks({ test }: DetectorConfig, batchSize: number): number {
  return batchSize * test.detectionsPerImage;
}
