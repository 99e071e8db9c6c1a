import {
  MaeError,
  type PixelStatistics,
  type Sample,
  type TransformSpec,
  type VitConfig,
} from '@mae-tasks/core-mae/task';
import type { DetectFacts } from './facts.js';
import type { Detect, RunProgram } from './inference/detection-pipeline.js';
import { exportedPipeline } from './inference/exported-programs.js';
import { foundInSamples, type FoundObjects } from './inference/found-objects.js';
import { type CocoResult, cocoResults } from './inference/results.js';
import { type DescribedDetector, detectorOfSettings } from './network/detector-of-settings.js';
import { oneStageOfSettings } from './one-stage/config-of-settings.js';
import { detectOneStage } from './one-stage/predict-step.js';
import { detectSettings } from './settings.js';
import { wholePictureTransforms } from './transforms.js';

/** A detector out of exported programs. */
export interface ExportedDetector {
  /** Pictures for a batch: as many as the programs take at most, or 1 where they take any number, and so any are right. */
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
 * @param run runs the program of this name: `trunk`, `box`, `mask` …, of one stage `points`
 * @throws MaeError `CHECKPOINT_INVALID` for a description of something else
 */
export function exportedDetector(
  description: Readonly<Record<string, string>>,
  run: (program: string) => RunProgram,
): ExportedDetector {
  const { facts, vit, settings, statistics, batchSize } = readDescription(description);
  const described = { settings, facts, vit, backbone: { name: 'vit' } };
  const find =
    settings.head === 'one-stage' ? ofOneStage(described, batchSize, run) : ofTwoStages(described, batchSize, run);
  return {
    batchSize: batchSize ?? 1,
    transforms: wholePictureTransforms(vit, statistics),
    detect: async (samples) => foundInSamples(await find(samples), samples, facts),
    records: (sample, found) => cocoResults(sample, found, facts),
  };
}

function ofTwoStages(
  described: DescribedDetector,
  batchSize: number | undefined,
  run: (program: string) => RunProgram,
): Detect {
  return exportedPipeline(detectorOfSettings(described), batchSize, run);
}

function ofOneStage(
  described: DescribedDetector,
  batchSize: number | undefined,
  run: (program: string) => RunProgram,
): Detect {
  const config = oneStageOfSettings(described);
  const program = { batchSize, run: run('points') };
  return (samples) => detectOneStage(config, program, samples);
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
    // Absent: any number.
    batchSize: description.batchSize === 'any' ? undefined : read<number>('batchSize'),
  };
}
