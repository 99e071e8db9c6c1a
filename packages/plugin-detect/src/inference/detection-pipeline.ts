import { type Batch, type HostTensor, type Sample, sizeOf, type TensorSpec } from '@mae-tasks/core-mae/task';
import { createAnchors } from '../network/anchors.js';
import { boxStages, nextBoxes } from '../network/box-stages.js';
import { type Detections, findDetections } from './detections.js';
import type { DetectorConfig } from '../network/detector-config.js';
import { boxSpec, maskSpec } from '../network/detector.js';
import { padPictures } from '../network/picture-batch.js';
import { joinRegions, pooledLevels } from '../pooling/pooled-regions.js';
import { type FeatureLevel, type PoolOptions, roiAlign } from '../pooling/roi-align.js';
import { findProposals } from '../network/rpn-proposals.js';

/** Runs one of the detector's programs, wherever it lies: a batch in, the program's outputs out. */
export type RunProgram = (batch: Batch) => Promise<Readonly<Record<string, HostTensor>>>;

/** A program on pooled regions. */
export interface RegionProgram {
  /** How many regions the program takes that is given `count` of them; at least as many. */
  sizeFor(count: number): number;
  readonly run: RunProgram;
}

/** The programs that a detector consists of. */
export interface DetectorPrograms {
  /** Pictures of a batch, which is filled up to it. Undefined: as many as there are. */
  readonly batchSize: number | undefined;
  /** `images` → `p2` … `p5`, `logits`, `deltas`. */
  readonly trunk: RunProgram;
  /** `pooled` → `scores`, `deltas`; one for each stage. */
  readonly boxes: readonly RegionProgram[];
  /** `pooled`, `classes` → `masks`; absent for a detector without masks. */
  readonly masks?: RegionProgram | undefined;
}

/** Finds objects in normalised pictures of any size up to the detector's, at most a batch of them. */
export type Detect = (samples: readonly Sample[]) => Promise<readonly Detections[]>;

/**
 * Inference of the detector (detectron2's `GeneralizedRCNN.inference`, before its post-processing): what lies between
 * its programs, and after them. Proposals, pooling, the stages' boxes, suppression.
 */
export function createDetectionPipeline(config: DetectorConfig, programs: DetectorPrograms): Detect {
  const levels = createAnchors(config);
  const stages = boxStages(config);
  const pool = createPool();
  const { poolSize, samplingRatio } = config.boxHead;

  return async (samples) => {
    const outputs = await programs.trunk({
      images: padPictures(samples, config, programs.batchSize ?? samples.length),
    });
    const features = pooledLevels(outputs, config);
    const proposals = samples.map(({ width, height }, picture) => {
      const options = { ...config.rpn.test, nmsThreshold: config.rpn.nmsThreshold, width, height };
      return findProposals(levels, rows(outputs.logits!, picture), rows(outputs.deltas!, picture), options).boxes;
    });
    const found = await findBoxes(samples, proposals, features);
    if (programs.masks === undefined || config.maskHead === undefined) return found;
    const masks = await maskProbabilities(programs.masks, config.maskHead.poolSize, found, features);
    return found.map((detected, picture) => ({ ...detected, maskProbabilities: masks[picture]! }));
  };

  async function findBoxes(
    samples: readonly Sample[],
    proposals: readonly Float32Array[],
    features: readonly FeatureLevel[],
  ): Promise<Detections[]> {
    const counts = proposals.map(({ length }) => length / 4);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const scores = new Float32Array(total * (config.numClasses + 1));
    let boxes = proposals;
    let deltas = new Float32Array(0);
    for (const index of stages.keys()) {
      if (total === 0) break;
      if (index > 0) boxes = nextBoxes(samples, boxes, deltas, stages[index - 1]!);
      const program = programs.boxes[index]!;
      const size = program.sizeFor(total);
      const pooled = pool(features, boxes, boxSpec(config, size).pooled!, { poolSize, samplingRatio });
      const outputs = await program.run({ pooled });
      deltas = outputs.deltas!.data as Float32Array<ArrayBuffer>;
      const stageScores = outputs.scores!.data as Float32Array;
      for (let i = 0; i < scores.length; i++) scores[i]! += stageScores[i]!;
    }
    // The mean over the stages, as a product: rounded as detectron2 rounds it.
    if (stages.length > 1) for (let i = 0; i < scores.length; i++) scores[i]! *= 1 / stages.length;
    const { numBoxes } = stages.at(-1)!;
    let first = 0;
    return samples.map((sample, picture) => {
      const [from, to] = [first, first + counts[picture]!];
      first = to;
      const own = {
        boxes: boxes[picture]!,
        scores: scores.subarray(from * (config.numClasses + 1), to * (config.numClasses + 1)),
        deltas: deltas.subarray(4 * from * numBoxes, 4 * to * numBoxes),
      };
      return findDetections(own, sample, config);
    });
  }

  async function maskProbabilities(
    program: RegionProgram,
    maskPoolSize: number,
    found: readonly Detections[],
    features: readonly FeatureLevel[],
  ): Promise<Float32Array[]> {
    const boxes = found.map((detected) => detected.boxes);
    const total = found.reduce((sum, { classes }) => sum + classes.length, 0);
    if (total === 0) return found.map(() => new Float32Array(0));
    const size = program.sizeFor(total);
    const classes = new Int32Array(size);
    let first = 0;
    for (const detected of found) {
      classes.set(detected.classes, first);
      first += detected.classes.length;
    }
    const pooled = pool(features, boxes, maskSpec(config, size).pooled!, { poolSize: maskPoolSize, samplingRatio });
    const outputs = await program.run({ pooled, classes: { shape: [size], dtype: 'int32', data: classes } });
    first = 0;
    return found.map(({ scores }) => {
      const masks = rows(outputs.masks!, first, scores.length).slice();
      first += scores.length;
      return masks;
    });
  }

  /** Pools into memory that is kept for the next time. */
  function createPool() {
    const kept = new Map<string, Float32Array>();
    return (
      features: readonly FeatureLevel[],
      boxes: readonly Float32Array[],
      { shape, dtype }: TensorSpec,
      options: PoolOptions,
    ): HostTensor => {
      const key = shape.join();
      const data = kept.get(key) ?? new Float32Array(sizeOf(shape));
      kept.set(key, data);
      roiAlign(features, joinRegions(boxes, config), options, data);
      return { shape, dtype, data };
    };
  }
}

/** Entries of the first axis: a view. */
function rows({ data, shape }: HostTensor, first: number, count = 1): Float32Array {
  const length = sizeOf(shape.slice(1));
  return (data as Float32Array).subarray(first * length, (first + count) * length);
}
