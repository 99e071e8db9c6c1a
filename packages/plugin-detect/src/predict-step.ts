import {
  type Engine,
  type HostTensor,
  type MaskRegion,
  type ParameterTree,
  type Sample,
  shapesOf,
  sizeOf,
} from '@mae-tasks/core-mae';
import { createAnchors } from './anchors.js';
import { type DetectedBoxes, findDetections, rescaleDetections } from './detections.js';
import type { DetectorConfig } from './detector-config.js';
import { boxFunction, boxSpec, maskFunction, maskSpec, pictureSpec, trunkFunction, trunkSpecs } from './detector.js';
import { pasteMask } from './mask-paste.js';
import { padPictures } from './picture-batch.js';
import { createPooledHead } from './pooled-head.js';
import { joinRegions, pooledLevels, programSize } from './pooled-regions.js';
import { boxHeadSpecs, maskHeadSpecs } from './roi-heads.js';
import { findProposals } from './rpn-proposals.js';

/** What was found in one picture, at the size that the detector saw it. */
export interface Detections extends DetectedBoxes {
  /** `[n, S, S]`: probabilities over each box; absent for a detector without masks. */
  readonly maskProbabilities?: Float32Array | undefined;
}

export interface DetectPredictStep {
  /** One entry for each sample. */
  run(parameters: ParameterTree, samples: readonly Sample[]): Promise<readonly Detections[]>;
  dispose(): void;
}

/** Inference of the detector (detectron2's `GeneralizedRCNN.inference`, before its post-processing). */
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
  const boxFn = boxFunction(config);
  const boxHead = createPooledHead({
    engine,
    specs: boxHeadSpecs(config),
    program: (size) => ({ name: 'detect.box', fn: boxFn, batch: boxSpec(config, size) }),
  });
  const maskFn = maskFunction(config);
  const maskHead = createPooledHead({
    engine,
    specs: maskHeadSpecs(config),
    program: (size) => ({ name: 'detect.mask', fn: maskFn, batch: maskSpec(config, size) }),
  });
  const levels = createAnchors(config);
  const { poolSize, samplingRatio } = config.boxHead;

  return {
    async run(parameters, samples) {
      const outputs = await trunk.run(parameters, { images: padPictures(samples, config, batchSize) });
      const features = pooledLevels(outputs, config);
      const proposals = samples.map(({ width, height }, picture) => {
        const options = { ...config.rpn.test, nmsThreshold: config.rpn.nmsThreshold, width, height };
        const { boxes } = findProposals(
          levels,
          rows(outputs.logits!, picture),
          rows(outputs.deltas!, picture),
          options,
        );
        return boxes;
      });
      const regions = joinRegions(proposals, config);
      const size = programSize(regions.pictures.length, batchSize * config.rpn.test.afterNms);
      const pool = { poolSize, samplingRatio };
      const scored = await boxHead.run(parameters, { size, regions, pool, features, batch: {} });
      let first = 0;
      const found = samples.map((sample, picture) => {
        const boxes = proposals[picture]!;
        const count = boxes.length / 4;
        const [scores, deltas] = [scored?.scores, scored?.deltas].map((tensor) =>
          tensor === undefined ? new Float32Array(0) : rows(tensor, first, count),
        ) as [Float32Array, Float32Array];
        first += count;
        return findDetections({ boxes, scores, deltas }, sample, config);
      });
      if (config.maskHead === undefined) return found;
      const masks = await maskProbabilities(parameters, found, features);
      return found.map((detected, picture) => ({ ...detected, maskProbabilities: masks[picture]! }));
    },
    dispose() {
      trunk.dispose();
      boxHead.dispose();
      maskHead.dispose();
    },
  };

  async function maskProbabilities(
    parameters: ParameterTree,
    found: readonly DetectedBoxes[],
    features: ReturnType<typeof pooledLevels>,
  ): Promise<Float32Array[]> {
    const regions = joinRegions(
      found.map(({ boxes }) => boxes),
      config,
    );
    const size = programSize(regions.pictures.length, batchSize * config.test.detectionsPerImage);
    const classes = new Int32Array(size);
    let first = 0;
    for (const detected of found) {
      classes.set(detected.classes, first);
      first += detected.classes.length;
    }
    const pool = { poolSize: config.maskHead!.poolSize, samplingRatio };
    const batch = { classes: { shape: [size], dtype: 'int32', data: classes } } as const;
    const outputs = await maskHead.run(parameters, { size, regions, pool, features, batch });
    first = 0;
    return found.map(({ scores }) => {
      const masks = outputs === undefined ? new Float32Array(0) : rows(outputs.masks!, first, scores.length).slice();
      first += scores.length;
      return masks;
    });
  }
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

/** Entries of the first axis: a view. */
function rows({ data, shape }: HostTensor, first: number, count = 1): Float32Array {
  const length = sizeOf(shape.slice(1));
  return (data as Float32Array).subarray(first * length, (first + count) * length);
}
