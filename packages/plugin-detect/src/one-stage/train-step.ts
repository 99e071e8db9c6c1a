/*
 * one-stage/: the detector without proposals: its head on the pyramid, which points learn which object, the losses, one
 * step of training (this file), and what is found.
 * Not here: encoder and pyramid (`network/`), suppression (`boxes/`), found objects in a picture's pixels (`inference/`).
 * Called by: `model`, where `detect.head` is `one-stage`, and `exported-detector`.
 */

import {
  type Batch,
  drawDropPathScales,
  dropPathRates,
  type HostTensor,
  type Instances,
  type Random,
  type Sample,
  shapesOf,
  sizeOf,
} from '@mae-tasks/core-mae/task';
import { pictureSpec } from '../network/detector.js';
import { padPictures, pictureRow } from '../network/picture-batch.js';
import { compileLate } from '../training/late-program.js';
import {
  type DetectLosses,
  type DetectTrainStep,
  type DetectTrainStepOptions,
  trueObjects,
} from '../training/train-step.js';
import { assignPoints } from './assignment.js';
import type { OneStageConfig } from './config.js';
import { oneStageFunction, oneStageLossFunction, oneStageSpecs, pointTargetSpec } from './network.js';
import { createPoints } from './points.js';
import { type MaskTargetArrays, type PointTargetArrays, writePointTargets, writePrototypeTargets } from './targets.js';

type Outputs = Readonly<Record<string, HostTensor>>;

/**
 * One forward and backward pass of the detector: what the points say, which of them are to find an object (here, from
 * what they said), and the losses with their gradients, back through what the first part computed. Loss terms are
 * `lossCls`, `lossBox`, `lossDfl` and, with masks, `lossMask`.
 */
export async function createOneStageTrainStep(
  config: OneStageConfig,
  { engine, batchSize, gradients: wanted, dropPath = 0 }: DetectTrainStepOptions,
): Promise<DetectTrainStep> {
  const targetSpec = pointTargetSpec(config, batchSize);
  const pictures = pictureSpec(config, batchSize, dropPath > 0);
  const program = await compileLate(
    engine,
    {
      name: 'detect.one-stage.loss',
      fn: oneStageLossFunction(config),
      parameters: shapesOf(oneStageSpecs(config)),
      batch: { ...pictures, ...targetSpec },
      gradients: wanted,
    },
    { late: Object.keys(targetSpec), fn: oneStageFunction(config) },
  );
  const points = createPoints(config);
  const rates = dropPathRates(config.vit.depth, dropPath);
  const targets: Record<string, HostTensor> = Object.fromEntries(
    Object.entries(targetSpec).map(([name, spec]) => {
      const data = new (spec.dtype === 'int32' ? Int32Array : Float32Array)(sizeOf(spec.shape));
      return [name, { ...spec, data }];
    }),
  );

  return {
    async run(parameters, samples, { random, gradients }) {
      const images = padPictures(samples, config, batchSize);
      const batch: Batch =
        dropPath > 0
          ? {
              images,
              dropPathScales: {
                ...pictures.dropPathScales!,
                data: drawDropPathScales(rates, batchSize, random.fork('dropPath')),
              },
            }
          : { images };
      const said = await program.first(parameters, batch);
      writeTargets(samples, said, random);
      const {
        loss,
        logits: _,
        boxes: __,
        ...terms
      } = await program.second(parameters, { ...batch, ...targets }, gradients);
      const values = Object.entries({ loss, ...terms }).map(([name, tensor]) => [name, tensor!.data[0]!]);
      return Object.fromEntries(values) as DetectLosses;
    },
    dispose: () => program.dispose(),
  };

  function writeTargets(samples: ReadonlyArray<Sample<Instances>>, said: Outputs, random: Random): void {
    for (const { data } of Object.values(targets)) data.fill(0);
    const view = (name: string, picture: number) => pictureRow(targets[name]!, picture);
    let weight = 0;
    let numMasks = 0;
    samples.forEach(({ target }, picture) => {
      const truth = trueObjects(target);
      const scene = {
        logits: pictureRow(said.logits!, picture) as Float32Array,
        boxes: pictureRow(said.boxes!, picture) as Float32Array,
        numClasses: config.numClasses,
        truth,
      };
      const assigned = assignPoints(scene, points, config.assignment);
      const names = ['scores', 'weights', 'targetBoxes', 'distances'];
      const arrays = Object.fromEntries(names.map((name) => [name, view(name, picture)]));
      weight += writePointTargets(assigned, truth, points, config, arrays as unknown as PointTargetArrays);
      if (config.masks === undefined) return;
      const maskArrays = Object.fromEntries(
        ['maskPoints', 'masks', 'maskWeights'].map((name) => [name, view(name, picture)]),
      );
      const stream = random.fork('masks', picture);
      numMasks += writePrototypeTargets(assigned, truth, config, stream, maskArrays as unknown as MaskTargetArrays);
    });
    targets.scale!.data[0] = 1 / Math.max(1, weight);
    const maskWeights = targets.maskWeights?.data;
    if (maskWeights !== undefined)
      for (let i = 0; i < maskWeights.length; i++) maskWeights[i]! /= Math.max(1, numMasks);
  }
}
