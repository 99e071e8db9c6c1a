import {
  type Engine,
  type MaskRegion,
  type ParameterSpecs,
  type ParameterTree,
  type Program,
  type ProgramSpec,
  type Sample,
  shapesOf,
} from '@mae-tasks/core-mae/task';
import { boxStages } from '../network/box-stages.js';
import { createDetectionPipeline, type Detections, type RegionProgram } from './detection-pipeline.js';
import { type DetectedBoxes, rescaleDetections } from './detections.js';
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
import { pasteMask } from './mask-paste.js';
import { programSize } from '../pooling/pooled-regions.js';
import { boxHeadSpecs, maskHeadSpecs } from '../network/roi-heads.js';

export interface DetectPredictStep {
  /** One entry for each sample. */
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

/** What was found in one picture, in pixels of the picture itself. */
export interface PictureDetections extends DetectedBoxes {
  /** `[n]`: the pixels of each; absent for a detector without masks. */
  readonly masks?: readonly MaskRegion[] | undefined;
}

/** Detections at the picture's own size, masks pasted (detectron2's `detector_postprocess`). */
export function toPictureSize(
  detections: Detections,
  seen: { readonly width: number; readonly height: number },
  picture: { readonly width: number; readonly height: number },
): PictureDetections {
  const { kept, boxes, scores, classes } = rescaleDetections(detections, seen, picture);
  const { maskProbabilities } = detections;
  if (maskProbabilities === undefined) return { boxes, scores, classes };
  const length = detections.scores.length === 0 ? 0 : maskProbabilities.length / detections.scores.length;
  const masks = Array.from(kept, (index, i) =>
    pasteMask(maskProbabilities.subarray(index * length, (index + 1) * length), boxes, i, picture),
  );
  return { boxes, scores, classes, masks };
}
