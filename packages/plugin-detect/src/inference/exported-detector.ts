import {
  type ExportedProgram,
  MaeError,
  type PixelStatistics,
  type Sample,
  type TransformSpec,
  type VitConfig,
} from '@mae-tasks/core-mae/task';
import { boxStages } from '../network/box-stages.js';
import { createDetectionPipeline, type RegionProgram, type RunProgram } from './detection-pipeline.js';
import type { DetectorConfig } from '../network/detector-config.js';
import { detectorOfSettings } from '../network/detector-of-settings.js';
import { boxFunction, boxSpec, maskFunction, maskSpec, pictureSpec, trunkFunction } from '../network/detector.js';
import type { DetectFacts } from '../facts.js';
import { foundInSamples, type FoundObjects } from './found-objects.js';
import { type CocoResult, cocoResults } from './results.js';
import { detectSettings } from '../settings.js';
import { wholePictureTransforms } from '../transforms.js';

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

/** A detector out of exported programs. */
export interface ExportedDetector {
  /** Pictures that it takes at a time, at most. */
  readonly batchSize: number;
  /** What its pictures have to go through: for the `pipeline` of `createLoader`. */
  readonly transforms: readonly TransformSpec[];
  /** What is in each of these pictures, which went through the transforms: greatest score first. */
  detect(samples: readonly Sample[]): Promise<readonly FoundObjects[]>;
  /** A picture's entries in a list of results in COCO's format, as `mae-tasks predict` has them. */
  records(sample: Sample, found: FoundObjects): readonly CocoResult[];
}

/**
 * The detector that `mae-tasks export --format onnx` wrote, run by any runtime: what lies between its programs
 * (proposals, pooling) and after them (suppression, masks at the picture's size).
 *
 * @param description `model.json`, which lies beside the programs
 * @param run runs the program of this name: `trunk`, `box`, `mask` …
 * @throws MaeError `CHECKPOINT_INVALID` for a description of something else
 */
export function exportedDetector(
  description: Readonly<Record<string, string>>,
  run: (program: string) => RunProgram,
): ExportedDetector {
  const { facts, vit, settings, statistics, batchSize } = readDescription(description);
  const config = detectorOfSettings({ settings, facts, vit, backbone: { name: 'vit' } });
  const ofSize = (size: number, program: string): RegionProgram => ({ sizeFor: () => size, run: run(program) });
  const find = createDetectionPipeline(config, {
    batchSize,
    trunk: run('trunk'),
    boxes: boxNames(config).map((name) => ofSize(mostRegions(config, batchSize), name)),
    masks: config.maskHead === undefined ? undefined : ofSize(mostMasks(config, batchSize), 'mask'),
  });
  return {
    batchSize,
    transforms: wholePictureTransforms(vit, statistics),
    detect: async (samples) => foundInSamples(await find(samples), samples, facts),
    records: (sample, found) => cocoResults(sample, found, facts),
  };
}

function readDescription(description: Readonly<Record<string, string>>) {
  if (description.task !== 'detect') {
    throw new MaeError('CHECKPOINT_INVALID', {
      what: `this describes a model of the task "${description.task ?? 'unknown'}", not of "detect"`,
      fix: 'give the .json file that `mae-tasks export` wrote beside the .onnx files',
    });
  }
  const read = <Value>(name: string): Value => JSON.parse(description[name]!) as Value;
  return {
    facts: read<DetectFacts>('facts'),
    vit: read<VitConfig>('vit'),
    settings: detectSettings.parse(read('settings')),
    statistics: { mean: read<number[]>('mean'), std: read<number[]>('std') } satisfies PixelStatistics,
    batchSize: read<number>('batchSize'),
  };
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
