import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import type { Sample } from '#core/contracts/dataset.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import type { Instances } from '#core/data/targets/instance-target.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { createTfjsEngine } from '#core/engine/tfjs.js';
import { vitBackbone } from '#core/models/vit.js';
import { allocateOnHeap, initializeParameters, shapesOf, trainableNames } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import {
  createOneStagePredictStep,
  createOneStageTrainStep,
  detectSettings,
  type OneStageConfig,
  oneStageSpecs,
} from '@mae-tasks/plugin-detect';
import { oneStageOfSettings } from '../../../packages/plugin-detect/src/one-stage/config-of-settings.js';

const vit = {
  imageSize: [48, 64],
  patchSize: 16,
  inChannels: 3,
  embedDim: 16,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
} as const;

function configOf(settings: Record<string, unknown> = {}, oneStage: Record<string, unknown> = {}): OneStageConfig {
  const small = {
    strides: [8, 16],
    channels: 8,
    numConvs: 1,
    prototypes: { count: 4, channels: 8, pointsPerImage: 6 },
  };
  return oneStageOfSettings({
    settings: detectSettings.parse({ head: 'one-stage', ...settings, oneStage: { ...small, ...oneStage } }),
    facts: { classNames: ['a', 'b', 'c'], categoryIds: [1, 2, 3] },
    vit,
    backbone: vitBackbone,
  });
}

let engine: Engine;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 2 });
});
afterAll(() => engine.dispose());

type Object4 = readonly [x0: number, y0: number, x1: number, y1: number];

function picture(id: string, objects: readonly Object4[], crowds: readonly number[] = []): Sample<Instances> {
  const random = createRandom(1).fork(id);
  const [width, height] = [60, 40];
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

const many = Array.from({ length: 120 }, (_, i): Object4 => {
  const [x, y] = [(i * 7) % 50, (i * 11) % 32];
  return [x, y, x + 3 + (i % 7), y + 2 + (i % 6)];
});

/** New parameters, moved, so that points differ. */
function spreadParameters(of: OneStageConfig): ParameterTree {
  const parameters = initializeParameters(oneStageSpecs(of), createRandom(0));
  for (const { name, data } of parameters.values()) {
    const random = createRandom(7).fork(name);
    for (let i = 0; i < data.length; i++) data[i]! += 0.1 * random.normal();
  }
  return parameters;
}

async function runStep(
  samples: ReadonlyArray<Sample<Instances>>,
  { of = configOf(), on = engine, seed = 3, dropPath = 0 } = {},
) {
  const specs = oneStageSpecs(of);
  const gradients = allocateOnHeap(shapesOf(specs));
  for (const { data } of gradients.values()) data.fill(NaN);
  const step = await createOneStageTrainStep(of, {
    engine: on,
    batchSize: 2,
    gradients: trainableNames(specs),
    dropPath,
  });
  const losses = await step.run(spreadParameters(of), samples, { random: createRandom(seed), gradients });
  await step.dispose();
  return { losses, gradients };
}

describe('a training step of the one-stage detector', () => {
  it.each<[string, ReadonlyArray<Sample<Instances>>]>([
    ['no objects', [picture('a', []), picture('b', [])]],
    ['120 objects', [picture('a', many), picture('b', many.slice(0, 7))]],
    ['only a crowd', [picture('a', [[0, 0, 60, 40]], [0]), picture('b', [[5, 5, 30, 38]], [0])]],
    ['a box without area', [picture('a', [[20, 20, 20, 20]]), picture('b', [[1, 1, 50, 39]])]],
    ['fewer pictures than the batch', [picture('a', [[10, 10, 40, 40]])]],
  ])('has finite losses and gradients with %s', async (_, samples) => {
    const { losses, gradients } = await runStep(samples);
    expect(Object.keys(losses).sort()).toEqual(['loss', 'lossBox', 'lossCls', 'lossDfl', 'lossMask']);
    expect(Object.values(losses).every(Number.isFinite), JSON.stringify(losses)).toBe(true);
    for (const { name, data } of gradients.values()) expect(data.every(Number.isFinite), name).toBe(true);
  });

  it('gives the same numbers for the same seed, others for another', async () => {
    const samples = [picture('a', many.slice(0, 20)), picture('b', many.slice(30, 60))];
    const first = await runStep(samples, { dropPath: 0.5 });
    expect((await runStep(samples, { dropPath: 0.5 })).losses).toEqual(first.losses);
    expect((await runStep(samples, { dropPath: 0.5, seed: 4 })).losses.loss).not.toBe(first.losses.loss);
  });

  it.each<[string, OneStageConfig]>([
    ['the plain configuration', configOf()],
    ['boxes only', configOf({ masks: false })],
    ['three levels and a spatial prior', configOf({ masks: false }, { strides: [4, 8, 16], spatialPrior: 8 })],
  ])('has the same gradients compiled and eager: %s', async (_, of) => {
    const samples = [picture('a', many.slice(0, 9)), picture('b', [[1, 1, 50, 39]])];
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
    // Every point of an object is taken, and scores do not count, so that small steps change no assignment's points; the
    // weights change with the boxes, so boxes stay.
    const of = configOf({}, { assignment: { topk: 1000, alpha: 0, beta: 6 }, spatialPrior: 4 });
    const samples = [picture('a', many.slice(0, 9)), picture('b', [[1, 1, 50, 39]])];
    const specs = oneStageSpecs(of);
    const parameters = spreadParameters(of);
    const gradients = allocateOnHeap(shapesOf(specs));
    const names = [
      'bbox_head.gfl_cls.bias',
      'bbox_head.cls_convs.0.norm.bias',
      'mask_head.protonet.2.bias',
      'bbox_head.conv_coeff.bias',
    ];
    const step = await createOneStageTrainStep(of, { engine, batchSize: 2, gradients: names });
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
      expect((losses[0]! - losses[1]!) / 2e-2, name).toBeCloseTo(gradient, 2);
    }
  });
});

describe('prediction of the one-stage detector', () => {
  it('finds the same in a picture alone and in a batch, within the picture, at most as many as wanted', async () => {
    const of = configOf({ scoreThreshold: 0.001, detectionsPerImage: 7 });
    const parameters = spreadParameters(of);
    const samples = [picture('a', []), picture('b', [])];
    const step = await createOneStagePredictStep(of, { engine, batchSize: 2 });
    const both = await step.run(parameters, samples);
    for (const [index, sample] of samples.entries()) {
      const [alone] = await step.run(parameters, [sample]);
      expect(alone!.scores).toHaveLength(7);
      expect(alone!.classes).toEqual(both[index]!.classes);
      expect(alone!.maskProbabilities).toHaveLength(7 * 28 * 28);
      alone!.boxes.forEach((value, i) => {
        expect(Math.abs(value - both[index]!.boxes[i]!)).toBeLessThan(1e-2);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(i % 2 === 0 ? sample.width : sample.height);
      });
    }
  });

  it('finds nothing above an unreachable score', async () => {
    const of = configOf({ scoreThreshold: 1 });
    const step = await createOneStagePredictStep(of, { engine, batchSize: 2 });
    const [found] = await step.run(spreadParameters(of), [picture('a', [])]);
    expect(found).toMatchObject({ boxes: new Float32Array(0), scores: new Float32Array(0) });
  });

  it('looks for the wanted classes only', async () => {
    const of = configOf({ scoreThreshold: 0.001, classes: ['b'] });
    const step = await createOneStagePredictStep(of, { engine, batchSize: 2 });
    const [found] = await step.run(spreadParameters(of), [picture('a', [])]);
    expect(found!.classes.length).toBeGreaterThan(0);
    expect(found!.classes.every((index) => index === 1)).toBe(true);
  });
});

describe('the configuration of the one-stage detector', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a stride that the pyramid does not have', { strides: [8, 12] }, /strides.*12.*4, 8, 16, 32, 64/u],
    ['levels out of order', { strides: [16, 8] }, /strides.*grow/u],
    ['a picture that the coarsest level does not divide', { strides: [16, 64] }, /imageSize.*48×64.*64/u],
  ])('refuses %s', (_, oneStage, message) => {
    expect(() => configOf({}, oneStage)).toThrow(message);
  });

  it('attends over the whole picture where it fits into a window', () => {
    expect(configOf().globalBlocks).toEqual([0, 1]);
    expect(configOf({ windowSize: 3 }).globalBlocks).toEqual([0, 1]);
  });
});
