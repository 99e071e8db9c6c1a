import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import type { Sample } from '#core/contracts/dataset.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import type { Instances } from '#core/data/targets/instance-target.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { createTfjsEngine } from '#core/engine/tfjs.js';
import { allocateOnHeap, initializeParameters, shapesOf, trainableNames } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import {
  createDetectPredictStep,
  createDetectTrainStep,
  detectorConfig,
  type DetectorConfig,
  detectorSpecs,
} from '@mae-tasks/plugin-detect';
import { boxRegressionLoss } from '../../packages/plugin-detect/src/network/losses.js';

const config = detectorConfig({
  vit: { imageSize: [64, 96], patchSize: 8, inChannels: 3, embedDim: 16, depth: 4, numHeads: 2, mlpRatio: 2 },
  numClasses: 3,
  positionGrid: [4, 4],
  windowSize: 3,
  pyramidChannels: 8,
  anchors: { sizes: [6, 12, 24, 48, 96], aspectRatios: [0.5, 1, 2] },
  rpn: {
    ...detectorConfigDefaults().rpn,
    train: { beforeNms: 50, afterNms: 40 },
    test: { beforeNms: 50, afterNms: 20 },
  },
  boxHead: {
    ...detectorConfigDefaults().boxHead,
    numConvs: 1,
    convChannels: 8,
    hiddenFeatures: 16,
    proposalsPerImage: 32,
  },
  maskHead: { numConvs: 1, convChannels: 8, poolSize: 6 },
});

function detectorConfigDefaults(): DetectorConfig {
  const vit = { imageSize: [64, 64], patchSize: 16, inChannels: 3, embedDim: 16, depth: 4, numHeads: 2, mlpRatio: 2 };
  return detectorConfig({ vit: { ...vit, imageSize: [64, 64] }, numClasses: 1 });
}

let engine: Engine;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 2 });
});
afterAll(() => engine.dispose());

type Object4 = readonly [x0: number, y0: number, x1: number, y1: number];

function picture(id: string, objects: readonly Object4[], crowds: readonly number[] = []): Sample<Instances> {
  const random = createRandom(1).fork(id);
  const [width, height] = [90, 60];
  return {
    id,
    pixels: Float32Array.from({ length: width * height * 3 }, () => random.normal()),
    width,
    height,
    channels: 3,
    originalWidth: width,
    originalHeight: height,
    target: {
      imageId: 1,
      ids: Float64Array.from(objects.keys()),
      boxes: Float32Array.from(objects.flat()),
      classes: Int32Array.from(objects, (_, i) => i % 3),
      crowds: Uint8Array.from(objects, (_, i) => Number(crowds.includes(i))),
      masks: objects.map(([x0, y0, x1, y1], i) =>
        i % 5 === 4
          ? undefined
          : { left: x0, top: y0, width: x1 - x0, height: y1 - y0, data: new Uint8Array((x1 - x0) * (y1 - y0)).fill(1) },
      ),
    },
  };
}

async function runStep(
  samples: ReadonlyArray<Sample<Instances>>,
  {
    of = config,
    on = engine,
    seed = 3,
    dropPath = 0,
  }: { of?: DetectorConfig; on?: Engine; seed?: number; dropPath?: number } = {},
) {
  const specs = detectorSpecs(of);
  const names = trainableNames(specs);
  const parameters = spreadParameters(of);
  const gradients = allocateOnHeap(shapesOf(specs));
  for (const { data } of gradients.values()) data.fill(NaN);
  const step = await createDetectTrainStep(of, { engine: on, batchSize: 2, gradients: names, dropPath });
  const losses = await step.run(parameters, samples, { random: createRandom(seed), gradients });
  return { losses, gradients };
}

/** New parameters, moved: at the start all scores are so close that rounding would decide which boxes are proposed. */
function spreadParameters(of: DetectorConfig): ParameterTree {
  const parameters = initializeParameters(detectorSpecs(of), createRandom(0));
  for (const { name, data } of parameters.values()) {
    const random = createRandom(7).fork(name);
    for (let i = 0; i < data.length; i++) data[i]! += 0.1 * random.normal();
  }
  return parameters;
}

const many = Array.from({ length: 300 }, (_, i): Object4 => {
  const [x, y] = [(i * 7) % 80, (i * 11) % 50];
  return [x, y, x + 3 + (i % 8), y + 2 + (i % 9)];
});

describe('a training step', () => {
  it.each<[string, ReadonlyArray<Sample<Instances>>]>([
    ['no objects', [picture('a', []), picture('b', [])]],
    ['one object in one of two pictures', [picture('a', [[10, 10, 40, 40]]), picture('b', [])]],
    ['300 objects', [picture('a', many), picture('b', many.slice(0, 7))]],
    ['only a crowd', [picture('a', [[0, 0, 90, 60]], [0]), picture('b', [[5, 5, 30, 50]], [0])]],
    [
      'boxes without area',
      [
        picture('a', [
          [20, 20, 20, 20],
          [5, 9, 5, 30],
        ]),
        picture('b', [[1, 1, 50, 50]]),
      ],
    ],
    ['fewer pictures than the batch', [picture('a', [[10, 10, 40, 40]])]],
  ])('has finite losses and gradients with %s', async (_, samples) => {
    const { losses, gradients } = await runStep(samples);
    expect(Object.values(losses).every(Number.isFinite), JSON.stringify(losses)).toBe(true);
    for (const { name, data } of gradients.values()) expect(data.every(Number.isFinite), name).toBe(true);
  });

  it('does not see crowds and boxes without area', async () => {
    const objects: Object4[] = [
      [10, 10, 40, 40],
      [0, 0, 90, 60],
      [7, 7, 7, 7],
    ];
    const [crowded, plain] = await Promise.all([
      runStep([picture('a', objects, [1])]),
      runStep([picture('a', objects.slice(0, 1))]),
    ]);
    expect(crowded.losses).toEqual(plain.losses);
  });

  it('gives the same numbers for the same seed, others for another', async () => {
    const samples = [picture('a', many.slice(0, 20)), picture('b', many.slice(30, 60))];
    const [first, again, other] = [
      await runStep(samples, { dropPath: 0.5 }),
      await runStep(samples, { dropPath: 0.5 }),
      await runStep(samples, { dropPath: 0.5, seed: 4 }),
    ];
    expect(again.losses).toEqual(first.losses);
    expect(other.losses.loss).not.toBe(first.losses.loss);
  });

  it.each<[string, Partial<DetectorConfig>]>([
    ['the plain configuration', {}],
    ['a feature pyramid network', { neck: 'fpn' }],
    ['boxes only', { maskHead: undefined }],
    [
      'GIoU losses',
      { rpn: { ...config.rpn, boxLoss: { kind: 'giou' } }, boxHead: { ...config.boxHead, boxLoss: { kind: 'giou' } } },
    ],
  ])('has the same gradients compiled and eager: %s', async (_, changes) => {
    const of = { ...config, ...changes };
    const samples = [picture('a', many.slice(0, 9)), picture('b', [[1, 1, 50, 50]])];
    const eager = await createTfjsEngine({ backend: 'cpu' });
    const [compiled, expected] = [await runStep(samples, { of }), await runStep(samples, { of, on: eager })];
    expect(compiled.losses.loss).toBeCloseTo(expected.losses.loss, 4);
    for (const { name, data } of expected.gradients.values()) {
      const actual = compiled.gradients.get(name)!.data;
      const size = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      const error = data.reduce((largest, value, i) => Math.max(largest, Math.abs(value - actual[i]!)), 0);
      // A key's bias has no gradient but rounding, and what is that small everywhere is rounding too.
      if (size > 1e-6 && !name.endsWith('qkv.bias')) expect(error / size, name).toBeLessThan(1e-4);
    }
  });

  it('agrees with finite differences of the loss', async () => {
    // With a loss that has no corner, and all proposals taken.
    const boxLoss = { kind: 'smooth-l1', beta: 100 } as const;
    const of = { ...config, boxHead: { ...config.boxHead, proposalsPerImage: 10_000, boxLoss } };
    const samples = [picture('a', many.slice(0, 9)), picture('b', [[1, 1, 50, 50]])];
    const specs = detectorSpecs(of);
    const parameters = spreadParameters(of);
    const gradients = allocateOnHeap(shapesOf(specs));
    const names = [
      'roi_heads.box_predictor.cls_score.bias',
      'roi_heads.box_predictor.bbox_pred.bias',
      'roi_heads.mask_head.predictor.bias',
    ];
    const step = await createDetectTrainStep(of, { engine, batchSize: 2, gradients: names });
    const lossNow = async (): Promise<number> =>
      (await step.run(parameters, samples, { random: createRandom(3), gradients })).loss;
    await lossNow();
    for (const name of names) {
      const { data } = parameters.get(name)!;
      const gradient = gradients.get(name)!.data[1]!;
      const before = data[1]!;
      const losses: number[] = [];
      for (const shift of [1e-2, -1e-2]) {
        data[1] = before + shift;
        losses.push(await lossNow());
      }
      data[1] = before;
      await lossNow();
      expect((losses[0]! - losses[1]!) / 2e-2, name).toBeCloseTo(gradient, 3);
    }
  });
});

describe('prediction', () => {
  it('finds the same in a picture alone and in a batch', async () => {
    const of = { ...config, test: { ...config.test, scoreThreshold: 0.01 } };
    const parameters = initializeParameters(detectorSpecs(of), createRandom(0));
    const samples = [picture('a', []), picture('b', [])];
    const step = await createDetectPredictStep(of, { engine, batchSize: 2 });
    const both = await step.run(parameters, samples);
    for (const [index, sample] of samples.entries()) {
      const [alone] = await step.run(parameters, [sample]);
      expect(alone!.scores.length).toBeGreaterThan(0);
      expect(alone!.classes).toEqual(both[index]!.classes);
      alone!.boxes.forEach((value, i) => {
        expect(Math.abs(value - both[index]!.boxes[i]!)).toBeLessThan(1e-2);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(i % 2 === 0 ? sample.width : sample.height);
      });
    }
  });

  it('finds nothing above an unreachable score', async () => {
    const of = { ...config, test: { ...config.test, scoreThreshold: 1 } };
    const parameters = initializeParameters(detectorSpecs(of), createRandom(0));
    const step = await createDetectPredictStep(of, { engine, batchSize: 2 });
    const [found] = await step.run(parameters, [picture('a', [])]);
    expect(found).toMatchObject({ boxes: new Float32Array(0), scores: new Float32Array(0) });
  });
});

describe('the configuration', () => {
  const { vit } = config;

  it.each<[string, Partial<DetectorConfig>, RegExp]>([
    ['a picture of an odd number of patches', { vit: { ...vit, imageSize: [72, 96] } }, /imageSize.*72×96.*divisible/],
    ['a global block that is not there', { globalBlocks: [1, 9] }, /names block 9.*0 to 3/],
    ['no classes', { numClasses: 0 }, /numClasses.*=0/],
    ['a window of no size', { windowSize: 0 }, /windowSize/],
    ['a pyramid network without four maps', { neck: 'fpn', globalBlocks: [3] }, /globalBlocks.*four/],
  ])('refuses %s', (_, changes, message) => {
    expect(() => detectorConfig({ ...config, ...changes })).toThrow(message);
  });
});

describe('box losses', () => {
  const rows = (...values: number[]) => tf.tensor2d(values, [values.length / 4, 4]);
  const loss = (kind: 'giou' | 'l1' | 'smooth', deltas: tf.Tensor2D, targets: tf.Tensor2D, from = rows(0, 0, 10, 10)) =>
    boxRegressionLoss(
      deltas,
      { targets, weights: tf.ones([deltas.shape[0]]), from },
      kind === 'giou' ? { kind } : { kind: 'smooth-l1', beta: kind === 'l1' ? 0 : 1 },
      [1, 1, 1, 1],
    ).dataSync()[0]!;

  it('compute GIoU, L1 and smooth L1 as on paper', async () => {
    await tf.setBackend('cpu');
    expect(loss('giou', rows(0, 0, 0, 0), rows(0, 0, 10, 10))).toBeCloseTo(0, 5);
    // Disjoint: IoU 0, the box around them 30 × 10, of which a third is empty.
    expect(loss('giou', rows(0, 0, 0, 0), rows(20, 0, 30, 10))).toBeCloseTo(1 + 1 / 3, 5);
    expect(loss('giou', rows(0, 0, 0, 0), rows(0, 0, 0, 0), rows(5, 5, 5, 5))).toBeLessThanOrEqual(2);
    expect(loss('l1', rows(1, -2, 0, 0.5), rows(0, 0, 0, 0))).toBeCloseTo(3.5, 5);
    expect(loss('smooth', rows(1, -2, 0, 0.5), rows(0, 0, 0, 0))).toBeCloseTo(0.5 + 1.5 + 0.125, 5);
  });
});
