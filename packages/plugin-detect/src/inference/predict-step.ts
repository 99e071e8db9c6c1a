import {
  type Engine,
  type ParameterSpecs,
  type ParameterTree,
  type Program,
  type ProgramSpec,
  type Sample,
  shapesOf,
} from '@mae-tasks/core-mae/task';
import { boxStages } from '../network/box-stages.js';
import { createDetectionPipeline, type RegionProgram } from './detection-pipeline.js';
import type { Detections } from './detections.js';
import type { DetectorConfig } from '../network/detector-config.js';
import {
  boxFunction,
  boxSpec,
  maskFunction,
  maskSpec,
  pictureSpec,
  trunkFunction,
  trunkSpecs,
} from '../network/detector.js';
import { programSize } from '../pooling/pooled-regions.js';
import { boxHeadSpecs, maskHeadSpecs } from '../network/roi-heads.js';

export interface DetectPredictStep {
  /** What was found in each sample, at the sample's size. */
  run(parameters: ParameterTree, samples: readonly Sample[]): Promise<readonly Detections[]>;
  dispose(): void;
}

/** Inference of the detector by an engine's programs, which are compiled for the sizes that occur. */
export async function createDetectPredictStep(
  config: DetectorConfig,
  { engine, batchSize }: { readonly engine: Engine; readonly batchSize: number },
): Promise<DetectPredictStep> {
  const trunk = await engine.compile({
    name: 'detect.trunk',
    fn: trunkFunction(config),
    parameters: shapesOf(trunkSpecs(config)),
    batch: pictureSpec(config, batchSize, false),
  });
  const compiled: Program[] = [trunk];
  let parameters: ParameterTree = new Map();

  const regionProgram = (
    specs: ParameterSpecs,
    largest: number,
    program: (size: number) => Pick<ProgramSpec, 'name' | 'fn' | 'batch'>,
  ): RegionProgram => {
    const bySize = new Map<number, Program>();
    return {
      sizeFor: (count) => programSize(count, largest),
      async run(batch) {
        const [size] = batch.pooled!.shape as [number];
        const found = bySize.get(size) ?? (await engine.compile({ ...program(size), parameters: shapesOf(specs) }));
        if (!bySize.has(size)) {
          bySize.set(size, found);
          compiled.push(found);
        }
        return found.run(parameters, batch);
      },
    };
  };
  const detect = createDetectionPipeline(config, {
    batchSize,
    trunk: (batch) => trunk.run(parameters, batch),
    boxes: boxStages(config).map((stage) => {
      const fn = boxFunction(config, stage);
      return regionProgram(boxHeadSpecs(config, stage), batchSize * config.rpn.test.afterNms, (size) => ({
        name: 'detect.box',
        fn,
        batch: boxSpec(config, size),
      }));
    }),
    masks:
      config.maskHead === undefined
        ? undefined
        : regionProgram(maskHeadSpecs(config), batchSize * config.test.detectionsPerImage, (size) => ({
            name: 'detect.mask',
            fn: maskFunction(config),
            batch: maskSpec(config, size),
          })),
  });

  return {
    run(values, samples) {
      parameters = values;
      return detect(samples);
    },
    dispose() {
      for (const program of compiled) program.dispose();
    },
  };
}
