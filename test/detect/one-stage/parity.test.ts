import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, NamedTensors } from '#core/contracts/engine.js';
import type { Batch } from '#core/contracts/tensor.js';
import { allocateOnHeap } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import { chosenEngines } from '../../models/chosen-engines.js';
import { readReference, type Reference, relativeError } from '../../models/reference.js';
import { assignPoints } from '../../../packages/plugin-detect/src/one-stage/assignment.js';
import { boxesOf } from '../../../packages/plugin-detect/src/one-stage/head.js';
import { pointLosses } from '../../../packages/plugin-detect/src/one-stage/losses.js';
import { createPoints } from '../../../packages/plugin-detect/src/one-stage/points.js';
import { prototypeLoss } from '../../../packages/plugin-detect/src/one-stage/prototypes.js';
import { writePointTargets } from '../../../packages/plugin-detect/src/one-stage/targets.js';

const TOLERANCE = 1e-5;
const [numClasses, regMax] = [3, 16];
const vit = {
  imageSize: [64, 64],
  patchSize: 16,
  inChannels: 3,
  embedDim: 16,
  depth: 1,
  numHeads: 1,
  mlpRatio: 1,
} as const;
const points = createPoints({ vit, strides: [8, 16] });
const numPoints = points.strides.length;

let reference: Reference;
const values = (name: string): Float32Array => reference.float32(name);
/** Entries of a batch, with an axis for the batch. */
const entries = (...names: readonly string[]): Batch =>
  Object.fromEntries(
    names.map((name) => [name, { shape: [1, ...reference.shape(name)], dtype: 'float32', data: values(name) }]),
  );

beforeAll(async () => {
  reference = await readReference('one-stage/one-stage.safetensors');
});

function truthOfReference() {
  const classes = Int32Array.from(values('labels'));
  return {
    imageId: 1,
    ids: Float64Array.from(classes.keys()),
    boxes: values('truth'),
    classes,
    crowds: new Uint8Array(classes.length),
    masks: Array.from(classes, () => undefined),
  };
}

function assignment() {
  return assignPoints(
    { logits: values('logits'), boxes: values('boxes'), numClasses, truth: truthOfReference() },
    points,
    { topk: 10, alpha: 0.5, beta: 6 },
  );
}

describe('task-aligned assignment against PyTorch', () => {
  it('gives every point the same object', () => {
    expect([...assignment().objects]).toEqual([...values('objects')]);
  });

  it('gives every point the same score', () => {
    expect(relativeError(assignment().scores, values('weights'))).toBeLessThan(TOLERANCE);
  });
});

describe.each(chosenEngines())('losses against PyTorch, %s', (_, start) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.dispose());

  it('decodes boxes from distributions, and has the same losses and gradients', async () => {
    const targets = {
      scores: new Float32Array(numPoints * numClasses),
      weights: new Float32Array(numPoints),
      targetBoxes: new Float32Array(numPoints * 4),
      distances: new Float32Array(numPoints * 4),
    };
    const sum = writePointTargets(assignment(), truthOfReference(), points, { numClasses, regMax }, targets);
    const said = entries('logits', 'distances');
    const tensor = (data: Float32Array, ...shape: number[]) => ({ shape, dtype: 'float32' as const, data });
    const batch: Batch = {
      ...said,
      scores: tensor(targets.scores, 1, numPoints, numClasses),
      weights: tensor(targets.weights, 1, numPoints),
      targetBoxes: tensor(targets.targetBoxes, 1, numPoints, 4),
      sides: tensor(targets.distances, 1, numPoints, 4),
      scale: tensor(Float32Array.of(1 / sum)),
    };
    const fn = (parameters: NamedTensors, inputs: NamedTensors): NamedTensors => {
      // A factor of one, so that there is a parameter.
      const distances = tf.mul<tf.Tensor4D>(inputs.distances!, parameters.one!);
      const boxes = boxesOf(distances, points);
      const { classification, box, distribution } = pointLosses(
        { logits: inputs.logits as tf.Tensor3D, distances, boxes },
        {
          scores: inputs.scores as tf.Tensor3D,
          weights: inputs.weights as tf.Tensor2D,
          boxes: inputs.targetBoxes as tf.Tensor3D,
          distances: inputs.sides as tf.Tensor3D,
          scale: inputs.scale as tf.Scalar,
        },
      );
      const loss = tf.addN([tf.mul(classification, 0.5), tf.mul(box, 7.5), tf.mul(distribution, 1.5)]);
      return { loss, losses: tf.stack([classification, box, distribution]), boxes };
    };
    const outputs = await runOnce(engine, fn, batch, ['logits', 'distances']);
    expect(relativeError(outputs.boxes!, values('boxes'))).toBeLessThan(TOLERANCE);
    expect(relativeError(outputs.losses!, values('losses'))).toBeLessThan(TOLERANCE);
    expect(relativeError(outputs['grad.logits']!, values('byLogits'))).toBeLessThan(1e-4);
    expect(relativeError(outputs['grad.distances']!, values('byDistances'))).toBeLessThan(1e-4);
  });

  it('has the same loss of masks, and gradients', async () => {
    const batch: Batch = {
      ...entries('coefficients', 'prototypes', 'masks', 'maskWeights'),
      maskPoints: { shape: [1, 3], dtype: 'int32', data: Int32Array.from(values('maskPoints')) },
    };
    const fn = (parameters: NamedTensors, inputs: NamedTensors): NamedTensors => ({
      loss: prototypeLoss(tf.mul(inputs.coefficients!, parameters.one!), inputs.prototypes as tf.Tensor4D, {
        points: inputs.maskPoints as tf.Tensor2D,
        masks: inputs.masks as tf.Tensor4D,
        weights: inputs.maskWeights as tf.Tensor4D,
      }),
    });
    const outputs = await runOnce(engine, fn, batch, ['coefficients', 'prototypes']);
    expect(relativeError(outputs.loss!, values('maskLoss'))).toBeLessThan(TOLERANCE);
    expect(relativeError(outputs['grad.coefficients']!, values('byCoefficients'))).toBeLessThan(1e-4);
    expect(relativeError(outputs['grad.prototypes']!, values('byPrototypes'))).toBeLessThan(1e-4);
  });
});

async function runOnce(
  engine: Engine,
  fn: (parameters: NamedTensors, batch: NamedTensors) => NamedTensors,
  batch: Batch,
  gradients: readonly string[],
): Promise<Record<string, Float32Array>> {
  const specs = Object.fromEntries(Object.entries(batch).map(([name, { shape, dtype }]) => [name, { shape, dtype }]));
  const program = await engine.compile({ name: 'losses', fn, parameters: { one: [] }, batch: specs, gradients });
  const parameters = allocateOnHeap({ one: [] });
  parameters.get('one')!.data[0] = 1;
  const outputs = await program.run(parameters, batch, new Map());
  const copies = Object.entries(outputs).map(([name, { data }]) => [name, Float32Array.from(data)]);
  program.dispose();
  return Object.fromEntries(copies) as Record<string, Float32Array>;
}

describe('task-aligned assignment', () => {
  const strides = [8, 16];
  const layout = createPoints({ vit, strides });
  const settings = { topk: 4, alpha: 0.5, beta: 6 };

  /** What a head says that sees every point as the middle of a box of this side. */
  function squares(side: number) {
    const boxes = Float32Array.from({ length: 4 * numPoints }, (_, i) => {
      const center = layout.centers[2 * (i >> 2) + (i % 2)]!;
      return center + (i % 4 < 2 ? -side / 2 : side / 2);
    });
    return { boxes, logits: new Float32Array(numPoints * numClasses), numClasses };
  }
  const truthOf = (...boxes: ReadonlyArray<readonly number[]>) => ({
    boxes: Float32Array.from(boxes.flat()),
    classes: Int32Array.from(boxes, (_, i) => i % numClasses),
  });

  it('gives each object at most topk points, all within its box, the best of them its overlap as score', () => {
    const truth = truthOf([4, 4, 36, 36], [30, 30, 60, 60], [40, 2, 60, 20]);
    const { objects, scores } = assignPoints({ ...squares(20), truth }, layout, settings);
    for (let object = 0; object < 3; object++) {
      const own = [...objects.keys()].filter((point) => objects[point] === object);
      expect(own.length).toBeGreaterThan(0);
      expect(own.length).toBeLessThanOrEqual(4);
      const [x0, y0, x1, y1] = truth.boxes.subarray(4 * object, 4 * object + 4) as unknown as number[];
      for (const point of own) {
        expect(layout.centers[2 * point]).toBeGreaterThanOrEqual(x0!);
        expect(layout.centers[2 * point]).toBeLessThanOrEqual(x1!);
        expect(layout.centers[2 * point + 1]).toBeGreaterThanOrEqual(y0!);
        expect(layout.centers[2 * point + 1]).toBeLessThanOrEqual(y1!);
      }
      const best = Math.max(...own.map((point) => scores[point]!));
      expect(best).toBeGreaterThan(0);
      expect(best).toBeLessThanOrEqual(1);
    }
  });

  it('gives an object that lies between all points a point', () => {
    const { objects } = assignPoints({ ...squares(8), truth: truthOf([7.5, 7.5, 8.5, 8.5]) }, layout, settings);
    expect([...objects].filter((object) => object === 0).length).toBeGreaterThan(0);
  });

  it('scores even the worst boxes relative to the best of them', () => {
    const { objects, scores } = assignPoints({ ...squares(0.01), truth: truthOf([0, 0, 64, 64]) }, layout, settings);
    const own = [...scores].filter((_, point) => objects[point] === 0);
    expect(own).toHaveLength(4);
    for (const score of own) expect(score).toBeGreaterThan(0);
  });

  it('gives nothing where there is nothing', () => {
    const { objects, scores } = assignPoints({ ...squares(8), truth: truthOf() }, layout, settings);
    expect(objects.every((object) => object === -1)).toBe(true);
    expect(scores.every((score) => score === 0)).toBe(true);
  });

  it('does not depend on the order of the objects', () => {
    const random = createRandom(4);
    const boxes = Array.from({ length: 12 }, () => {
      const [x, y] = [50 * random.uniform(), 50 * random.uniform()];
      return [x, y, x + 4 + 10 * random.uniform(), y + 4 + 10 * random.uniform()];
    });
    const truth = { boxes: Float32Array.from(boxes.flat()), classes: new Int32Array(12) };
    const turned = { boxes: Float32Array.from([...boxes].reverse().flat()), classes: new Int32Array(12) };
    const [one, other] = [truth, turned].map((each) => assignPoints({ ...squares(9), truth: each }, layout, settings));
    expect([...other!.objects].map((object) => (object < 0 ? -1 : 11 - object))).toEqual([...one!.objects]);
    expect(other!.scores).toEqual(one!.scores);
  });
});
