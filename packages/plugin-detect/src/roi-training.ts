import type { Batch, Engine, HostTensor, Instances, MaskRegion, ParameterTree } from '@mae-tasks/core-mae';
import { encodeBox, ROI_BOX_WEIGHTS } from './box-codec.js';
import type { DetectorConfig } from './detector-config.js';
import { boxLossFunction, boxSpec, boxTargetSpec, maskLossFunction, maskSpec, maskTargetSpec } from './detector.js';
import { writeMaskTarget } from './mask-targets.js';
import { createPooledHead } from './pooled-head.js';
import { joinRegions, programSize } from './pooled-regions.js';
import type { FeatureLevel } from './roi-align.js';
import { boxHeadSpecs, maskHeadSpecs } from './roi-heads.js';
import type { SampledProposals } from './roi-targets.js';
import { pickBoxes } from './rpn-proposals.js';

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
  /** Writes the heads' gradients and returns their losses. */
  run(
    parameters: ParameterTree,
    inputs: RoiTrainingInputs,
  ): Promise<Readonly<Record<'lossCls' | 'lossBoxReg' | 'lossMask', number>>>;
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
  const boxFn = boxLossFunction(config);
  const boxHead = createPooledHead({
    ...options,
    specs: boxHeadSpecs(config),
    program: (size) => ({
      name: 'detect.box.loss',
      fn: boxFn,
      batch: { ...boxSpec(config, size), ...boxTargetSpec(size) },
    }),
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

  const runBoxes = (parameters: ParameterTree, { scenes, ...inputs }: RoiTrainingInputs) => {
    const boxes = scenes.map(({ proposals }) => proposals.boxes);
    const regions = joinRegions(boxes, config);
    const size = programSize(regions.pictures.length, mostRegions);
    const batch = boxTargets(scenes, config, size);
    return boxHead.run(parameters, { ...inputs, size, regions, pool: { poolSize, samplingRatio }, batch });
  };
  const runMasks = (parameters: ParameterTree, { scenes, ...inputs }: RoiTrainingInputs) => {
    if (config.maskHead === undefined) return undefined;
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
    const pool = { poolSize: config.maskHead.poolSize, samplingRatio };
    return maskHead.run(parameters, { ...inputs, size, regions, pool, batch });
  };

  return {
    async run(parameters, inputs) {
      const boxes = await runBoxes(parameters, inputs);
      const [lossCls, lossBoxReg] = [scalar(boxes?.lossCls), scalar(boxes?.lossBoxReg)];
      const masks = await runMasks(parameters, inputs);
      return { lossCls, lossBoxReg, lossMask: scalar(masks?.loss) };
    },
    dispose() {
      boxHead.dispose();
      maskHead.dispose();
    },
  };
}

function scalar(tensor: HostTensor | undefined): number {
  return tensor?.data[0] ?? 0;
}

/** The box head's targets for all scenes' proposals, one after another, then padding. */
function boxTargets(scenes: readonly RoiScene[], { numClasses, boxHead }: DetectorConfig, size: number): Batch {
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
      else encodeBox({ data: from, at }, { data: truth.boxes, at: to }, ROI_BOX_WEIGHTS, { data: boxes, at });
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
