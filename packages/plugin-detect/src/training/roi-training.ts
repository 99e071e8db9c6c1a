import {
  type Batch,
  type Engine,
  hasArea,
  type HostTensor,
  type Instances,
  type MaskRegion,
  type ParameterTree,
} from '@mae-tasks/core-mae/task';
import { encodeBox } from '../boxes/box-codec.js';
import { type BoxStage, boxStages, nextBoxes } from '../network/box-stages.js';
import type { DetectorConfig } from '../network/detector-config.js';
import {
  boxLossFunction,
  boxSpec,
  boxTargetSpec,
  maskLossFunction,
  maskSpec,
  maskTargetSpec,
} from '../network/detector.js';
import { writeMaskTarget } from './mask-targets.js';
import { createPooledHead } from '../pooling/pooled-head.js';
import { joinRegions, programSize } from '../pooling/pooled-regions.js';
import type { FeatureLevel } from '../pooling/roi-align.js';
import { boxHeadSpecs, maskHeadSpecs } from '../network/roi-heads.js';
import { labelProposals, type SampledProposals } from './roi-targets.js';
import { pickBoxes } from '../boxes/box-rows.js';

/** One picture's proposals and objects. */
export interface RoiScene {
  readonly proposals: SampledProposals;
  readonly truth: Instances;
  readonly picture: { readonly width: number; readonly height: number };
}

export interface RoiTrainingInputs {
  readonly scenes: readonly RoiScene[];
  readonly features: readonly FeatureLevel[];
  /** Added to: what the heads' losses ask of the features. */
  readonly cotangents: readonly FeatureLevel[];
  readonly gradients: ParameterTree;
}

export interface RoiTraining {
  /** Writes the heads' gradients and returns their losses: `lossCls`, `lossBoxReg` (in a cascade, of each stage), `lossMask`. */
  run(parameters: ParameterTree, inputs: RoiTrainingInputs): Promise<Readonly<Record<string, number>>>;
  dispose(): void;
}

export interface RoiTrainingOptions {
  readonly engine: Engine;
  readonly batchSize: number;
  readonly gradients: readonly string[];
  /** Whether the features' cotangents are wanted. */
  readonly backwards: boolean;
}

/** Losses and gradients of the box and the mask head on sampled proposals. */
export function createRoiTraining(config: DetectorConfig, options: RoiTrainingOptions): RoiTraining {
  const { proposalsPerImage, positiveFraction, poolSize, samplingRatio } = config.boxHead;
  const mostRegions = options.batchSize * proposalsPerImage;
  const mostMasks = options.batchSize * Math.floor(proposalsPerImage * positiveFraction);
  const stages = boxStages(config);
  const boxHeads = stages.map((stage) => {
    const fn = boxLossFunction(config, stage);
    return createPooledHead({
      ...options,
      specs: boxHeadSpecs(config, stage),
      // Each stage asks the features for a share, so that a cascade does not pull at them as many times as hard.
      backwardsFactor: 1 / stages.length,
      program: (size) => ({
        name: `detect.box.loss${stage.suffix}`,
        fn,
        batch: { ...boxSpec(config, size), ...boxTargetSpec(size) },
      }),
    });
  });
  const maskFn = maskLossFunction(config);
  const maskHead = createPooledHead({
    ...options,
    specs: maskHeadSpecs(config),
    program: (size) => ({
      name: 'detect.mask.loss',
      fn: maskFn,
      batch: { ...maskSpec(config, size), ...maskTargetSpec(config, size) },
    }),
  });

  const runBoxes = async (parameters: ParameterTree, { scenes, ...inputs }: RoiTrainingInputs) => {
    const losses: Record<string, number> = {};
    let present = scenes;
    for (const [index, stage] of stages.entries()) {
      const boxes = present.map(({ proposals }) => proposals.boxes);
      const regions = joinRegions(boxes, config);
      const size = programSize(regions.pictures.length, mostRegions);
      const batch = boxTargets(present, config, stage, size);
      const pool = { poolSize, samplingRatio };
      const outputs = await boxHeads[index]!.run(parameters, { ...inputs, size, regions, pool, batch });
      losses[`lossCls${stage.suffix}`] = scalar(outputs?.lossCls);
      losses[`lossBoxReg${stage.suffix}`] = scalar(outputs?.lossBoxReg);
      const next = stages[index + 1];
      if (next === undefined) continue;
      const deltas = (outputs?.deltas?.data ?? new Float32Array(0)) as Float32Array;
      const moved = nextBoxes(
        present.map(({ picture }) => picture),
        boxes,
        deltas,
        stage,
      );
      present = present.map((scene, i) => ({
        ...scene,
        proposals: labelProposals(withArea(moved[i]!), scene.truth, next.iouThreshold, config.numClasses),
      }));
    }
    return losses;
  };
  const runMasks = (parameters: ParameterTree, { scenes, ...inputs }: RoiTrainingInputs) => {
    const objects = scenes.map(maskedObjects);
    const boxes = objects.map((masked, i) =>
      pickBoxes(
        scenes[i]!.proposals.boxes,
        masked.map(({ proposal }) => proposal),
      ),
    );
    const regions = joinRegions(boxes, config);
    const size = programSize(regions.pictures.length, mostMasks);
    const batch = maskTargets(objects.flat(), config, size);
    const pool = { poolSize: config.maskHead!.poolSize, samplingRatio };
    return maskHead.run(parameters, { ...inputs, size, regions, pool, batch });
  };

  return {
    async run(parameters, inputs) {
      const losses = await runBoxes(parameters, inputs);
      if (config.maskHead === undefined) return losses;
      const masks = await runMasks(parameters, inputs);
      return { ...losses, lossMask: scalar(masks?.loss) };
    },
    dispose() {
      for (const head of boxHeads) head.dispose();
      maskHead.dispose();
    },
  };
}

/** The boxes that are left of those that were clipped to their picture. */
function withArea(boxes: Float32Array): Float32Array {
  const kept: number[] = [];
  for (let i = 0; i < boxes.length / 4; i++) {
    if (hasArea(boxes, i)) kept.push(i);
  }
  return pickBoxes(boxes, kept);
}

function scalar(tensor: HostTensor | undefined): number {
  return tensor?.data[0] ?? 0;
}

/** The box head's targets for all scenes' proposals, one after another, then padding. */
function boxTargets(
  scenes: readonly RoiScene[],
  { numClasses, boxHead }: DetectorConfig,
  { boxWeights }: BoxStage,
  size: number,
): Batch {
  const classes = new Int32Array(size).fill(numClasses);
  const weights = new Float32Array(size);
  const boxes = new Float32Array(4 * size);
  const from = new Float32Array(4 * size);
  const count = scenes.reduce((sum, { proposals }) => sum + proposals.classes.length, 0);
  weights.fill(1 / count, 0, count);
  let first = 0;
  for (const { proposals, truth } of scenes) {
    classes.set(proposals.classes, first);
    from.set(proposals.boxes, 4 * first);
    for (let i = 0; i < proposals.numObjects; i++) {
      const to = 4 * proposals.objects[i]!;
      const at = 4 * (first + i);
      if (boxHead.boxLoss.kind === 'giou') boxes.set(truth.boxes.subarray(to, to + 4), at);
      else encodeBox({ data: from, at }, { data: truth.boxes, at: to }, boxWeights, { data: boxes, at });
    }
    first += proposals.classes.length;
  }
  return {
    classes: { shape: [size], dtype: 'int32', data: classes },
    weights: { shape: [size], dtype: 'float32', data: weights },
    boxes: { shape: [size, 4], dtype: 'float32', data: boxes },
    proposals: { shape: [size, 4], dtype: 'float32', data: from },
  };
}

/** A proposal that is an object with a known mask. */
interface MaskedObject {
  readonly scene: RoiScene;
  /** Its index among the scene's proposals. */
  readonly proposal: number;
  readonly mask: MaskRegion;
}

function maskedObjects(scene: RoiScene): MaskedObject[] {
  const { proposals, truth } = scene;
  return Array.from({ length: proposals.numObjects }, (_, proposal) => proposal).flatMap((proposal) => {
    const mask = truth.masks[proposals.objects[proposal]!];
    return mask === undefined ? [] : [{ scene, proposal, mask }];
  });
}

/** The mask head's classes and targets for these objects, then padding. */
function maskTargets(objects: readonly MaskedObject[], config: DetectorConfig, size: number): Batch {
  const side = 2 * config.maskHead!.poolSize;
  const classes = new Int32Array(size);
  const weights = new Float32Array(size).fill(1 / objects.length, 0, objects.length);
  const targets = new Float32Array(size * side * side);
  objects.forEach(({ scene, proposal, mask }, i) => {
    classes[i] = scene.proposals.classes[proposal]!;
    const out = { data: targets, at: i * side * side, size: side };
    writeMaskTarget(mask, scene.picture, scene.proposals.boxes, proposal, out);
  });
  return {
    classes: { shape: [size], dtype: 'int32', data: classes },
    weights: { shape: [size], dtype: 'float32', data: weights },
    targets: { shape: [size, side, side], dtype: 'float32', data: targets },
  };
}
