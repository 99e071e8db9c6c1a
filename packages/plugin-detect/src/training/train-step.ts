/*
 * training/: one step of training (this file): the trunk's program in two parts, with targets, matching and sampling
 * in TypeScript between them, and the heads' programs whose gradients enter the trunk.
 * Not here: the optimizer and the loop: core's.
 * Called by: `model`, as the objective's `createStep`.
 */

import {
  type Batch,
  drawDropPathScales,
  dropPathRates,
  type Engine,
  hasArea,
  type HostTensor,
  type Instances,
  type ParameterTree,
  type Random,
  type Sample,
  selectInstances,
  sizeOf,
  type TensorSpec,
} from '@mae-tasks/core-mae/task';
import { createAnchors, joinAnchors } from '../network/anchors.js';
import type { DetectorConfig } from '../network/detector-config.js';
import { pictureSpec, trunkSpecs, trunkTargetSpec } from '../network/detector.js';
import { padPictures } from '../network/picture-batch.js';
import { pooledLevels } from '../pooling/pooled-regions.js';
import { createRoiTraining } from './roi-training.js';
import { findProposals } from '../network/rpn-proposals.js';
import { writeRpnTargets } from './rpn-targets.js';
import { sampleProposals } from './roi-targets.js';
import { createTrunkTraining } from './trunk-training.js';

export interface DetectTrainStepOptions {
  readonly engine: Engine;
  /** Pictures of the compiled shapes; a step may have fewer. */
  readonly batchSize: number;
  /** Names of the parameters that gradients are wanted for. */
  readonly gradients: readonly string[];
  /** Drop rate of the deepest block. Default 0. */
  readonly dropPath?: number | undefined;
}

/**
 * Loss terms of one step: `loss` and its parts `lossRpnCls`, `lossRpnLoc`, `lossCls`, `lossBoxReg` (in a cascade
 * `lossClsStage0` …) and, with masks, `lossMask`.
 */
export type DetectLosses = Readonly<Record<string, number>> & { readonly loss: number };

export interface DetectTrainStep {
  /**
   * Writes the gradients of the whole detector's loss and returns its terms. Crowds and objects without area are no
   * targets; an object without a mask gives no mask loss.
   */
  run(
    parameters: ParameterTree,
    samples: ReadonlyArray<Sample<Instances>>,
    options: { readonly random: Random; readonly gradients: ParameterTree },
  ): Promise<DetectLosses>;
  dispose(): void | Promise<void>;
}

/**
 * One forward and backward pass of the detector (detectron2's `GeneralizedRCNN`, ROIHeads joint). Programs of fixed
 * shape with TypeScript between them:
 *
 * 1. the trunk, forwards: features and proposals' scores;
 * 2. here: proposals, matching, sampling, pooling;
 * 3. the heads with their losses, back to the pooled features;
 * 4. here: back through the pooling, to cotangents of the features;
 * 5. the trunk's own losses and, through the cotangents, the heads', back to its parameters.
 */
export async function createDetectTrainStep(
  config: DetectorConfig,
  { engine, batchSize, gradients: wanted, dropPath = 0 }: DetectTrainStepOptions,
): Promise<DetectTrainStep> {
  const trunkNames = trunkSpecs(config);
  const trunkGradients = wanted.filter((name) => name in trunkNames);
  const pictures = pictureSpec(config, batchSize, dropPath > 0);
  const targetSpec = trunkTargetSpec(config, batchSize);
  const trunk = await createTrunkTraining(config, {
    engine,
    batchSize,
    gradients: trunkGradients,
    dropPath: dropPath > 0,
  });
  const heads = createRoiTraining(config, {
    engine,
    batchSize,
    gradients: wanted,
    backwards: trunkGradients.length > 0,
  });
  const levels = createAnchors(config);
  const anchors = joinAnchors(levels);
  const rates = dropPathRates(config.vit.depth, dropPath);
  const targets = allocate(targetSpec);

  return {
    async run(parameters, samples, { random, gradients }) {
      const truths = samples.map(({ target }) => trueObjects(target));
      const images = padPictures(samples, config, batchSize);
      const batch: Batch = dropPath > 0 ? { images, dropPathScales: scales(random.fork('dropPath')) } : { images };
      const outputs = await trunk.forward(parameters, batch);
      const sampled = samples.map(({ width, height }, picture) => {
        const proposals = findProposals(levels, row(outputs.logits!, picture), row(outputs.deltas!, picture), {
          ...config.rpn.train,
          nmsThreshold: config.rpn.nmsThreshold,
          width,
          height,
        });
        return sampleProposals(proposals, truths[picture]!, config, random.fork('proposals', picture));
      });

      for (const { data } of Object.values(targets)) data.fill(0);
      truths.forEach((truth, picture) => {
        const arrays = {
          objects: row(targets.objects!, picture),
          sampled: row(targets.sampled!, picture),
          boxes: row(targets.boxes!, picture),
        };
        writeRpnTargets(anchors, truth.boxes, config, random.fork('anchors', picture), arrays);
      });
      targets.scale!.data[0] = 1 / (config.rpn.anchorsPerImage * samples.length);

      const features = pooledLevels(outputs, config);
      const cotangents = pooledLevels(targets, config, 'cotangent.');
      const scenes = sampled.map((proposals, i) => ({ proposals, truth: truths[i]!, picture: samples[i]! }));
      const head = await heads.run(parameters, { scenes, features, cotangents, gradients });
      const own = await trunk.backward(parameters, { ...batch, ...targets }, gradients);
      const lossRpnCls = own.lossRpnCls!.data[0]!;
      const lossRpnLoc = own.lossRpnLoc!.data[0]!;
      const loss = Object.values(head).reduce((sum, term) => sum + term, lossRpnCls + lossRpnLoc);
      return { loss, ...head, lossRpnCls, lossRpnLoc };
    },
    async dispose() {
      heads.dispose();
      await trunk.dispose();
    },
  };

  function scales(random: Random): HostTensor {
    return { ...pictures.dropPathScales!, data: drawDropPathScales(rates, batchSize, random) };
  }
}

/** The objects to find: no crowds, none without area. */
export function trueObjects(instances: Instances): Instances {
  const { boxes, crowds, classes } = instances;
  const kept: number[] = [];
  for (let i = 0; i < classes.length; i++) {
    if (hasArea(boxes, i) && crowds[i] !== 1) kept.push(i);
  }
  return kept.length === classes.length ? instances : selectInstances(instances, kept);
}

/** Arrays for these tensors, all zeros. */
function allocate(specs: Readonly<Record<string, TensorSpec>>): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, { ...spec, data: new Float32Array(sizeOf(spec.shape)) }]),
  );
}

/** One picture's values: a view. */
function row({ data, shape }: HostTensor, picture: number): Float32Array {
  const length = sizeOf(shape.slice(1));
  return (data as Float32Array).subarray(picture * length, (picture + 1) * length);
}
