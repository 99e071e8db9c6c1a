import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sample } from '#core/contracts/dataset.js';
import type { Engine } from '#core/contracts/engine.js';
import type { Instances } from '#core/data/targets/instance-target.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { createTfjsEngine } from '#core/engine/tfjs.js';
import { allocateOnHeap, initializeParameters, shapesOf, trainableNames } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import {
  CASCADE_STAGES,
  createDetectPredictStep,
  createDetectTrainStep,
  detectorConfig,
  type DetectorConfig,
  detectorSpecs,
  encodeBox,
} from '@mae-tasks/plugin-detect';
import { boxStages, nextBoxes } from '../../packages/plugin-detect/src/network/box-stages.js';
import { labelProposals } from '../../packages/plugin-detect/src/training/roi-targets.js';

const defaults = detectorConfig({
  vit: { imageSize: [64, 64], patchSize: 8, inChannels: 3, embedDim: 16, depth: 4, numHeads: 2, mlpRatio: 2 },
  numClasses: 3,
});
const config = detectorConfig({
  ...defaults,
  positionGrid: [8, 8],
  windowSize: 3,
  pyramidChannels: 8,
  anchors: { sizes: [6, 12, 24, 48, 96], aspectRatios: [0.5, 1, 2] },
  rpn: { ...defaults.rpn, train: { beforeNms: 50, afterNms: 40 }, test: { beforeNms: 50, afterNms: 20 } },
  boxHead: { ...defaults.boxHead, numConvs: 1, convChannels: 8, hiddenFeatures: 16, proposalsPerImage: 10_000 },
  maskHead: undefined,
  cascade: CASCADE_STAGES,
  test: { ...defaults.test, scoreThreshold: 0.01 },
});

function picture(objects: ReadonlyArray<readonly number[]>): Sample<Instances> {
  const random = createRandom(1);
  const [width, height] = [60, 56];
  return {
    id: 'a',
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
      crowds: new Uint8Array(objects.length),
      masks: objects.map(() => undefined),
    },
  };
}
const sample = picture([
  [5, 5, 30, 30],
  [20, 10, 50, 50],
  [40, 2, 58, 20],
]);

/** New parameters, moved: at the start all scores are so close that rounding would decide which boxes are proposed. */
function spreadParameters(of: DetectorConfig) {
  const parameters = initializeParameters(detectorSpecs(of), createRandom(0));
  for (const { name, data } of parameters.values()) {
    const random = createRandom(7).fork(name);
    for (let i = 0; i < data.length; i++) data[i]! += 0.1 * random.normal();
  }
  return parameters;
}

async function train(of: DetectorConfig, engine: Engine, names = trainableNames(detectorSpecs(of))) {
  const parameters = spreadParameters(of);
  const gradients = allocateOnHeap(shapesOf(detectorSpecs(of)));
  const step = await createDetectTrainStep(of, { engine, batchSize: 1, gradients: names });
  const run = () => step.run(parameters, [sample], { random: createRandom(3), gradients });
  return { losses: await run(), gradients, parameters, run };
}

describe('a cascade of box heads', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createOnnxEngine({ threads: 2 });
  });
  afterAll(() => engine.dispose());

  it('has detectron2’s names and shapes: boxes for all classes together', () => {
    const specs = detectorSpecs(config);
    for (const stage of [0, 1, 2]) {
      expect(specs[`roi_heads.box_head.${stage}.fc1.weight`]!.shape).toEqual([16, 8 * 49]);
      expect(specs[`roi_heads.box_predictor.${stage}.cls_score.weight`]!.shape).toEqual([4, 16]);
      expect(specs[`roi_heads.box_predictor.${stage}.bbox_pred.weight`]!.shape).toEqual([4, 16]);
    }
    expect(Object.keys(specs)).not.toContain('roi_heads.box_head.fc1.weight');
  });

  it('logs two losses a stage, and reaches every parameter', async () => {
    const { losses, gradients } = await train(config, engine);
    const { loss, ...terms } = losses;
    expect(Object.keys(terms).filter((name) => name.includes('Stage'))).toEqual(
      [0, 1, 2].flatMap((stage) => [`lossClsStage${stage}`, `lossBoxRegStage${stage}`]),
    );
    expect(Object.values(terms).reduce((sum, value) => sum + value, 0)).toBeCloseTo(loss, 5);
    for (const { name, data } of gradients.values()) {
      expect(data.every(Number.isFinite), name).toBe(true);
      if (name.startsWith('roi_heads.'))
        expect(
          data.some((value) => value !== 0),
          name,
        ).toBe(true);
    }
  });

  it('has the same losses and gradients compiled and eager', async () => {
    const eager = await createTfjsEngine({ backend: 'cpu' });
    const [compiled, expected] = [await train(config, engine), await train(config, eager)];
    expect(compiled.losses.loss).toBeCloseTo(expected.losses.loss, 4);
    for (const { name, data } of expected.gradients.values()) {
      const actual = compiled.gradients.get(name)!.data;
      const size = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      const error = data.reduce((largest, value, i) => Math.max(largest, Math.abs(value - actual[i]!)), 0);
      if (size > 1e-6 && !name.endsWith('qkv.bias')) expect(error / size, name).toBeLessThan(1e-4);
    }
  }, 60_000);

  it('agrees with finite differences in each stage', async () => {
    // With a loss that has no corner. A stage's boxes are where the next one starts, but no gradient flows through them:
    // so only the last stage's own boxes may move; the scores of all stages may.
    const of = { ...config, boxHead: { ...config.boxHead, boxLoss: { kind: 'smooth-l1', beta: 100 } as const } };
    const names = [
      ...[0, 1, 2].map((stage) => `roi_heads.box_predictor.${stage}.cls_score.bias`),
      'roi_heads.box_predictor.2.bbox_pred.bias',
    ];
    const { gradients, parameters, run } = await train(of, engine, names);
    for (const name of names) {
      const { data } = parameters.get(name)!;
      const gradient = gradients.get(name)!.data[1]!;
      const before = data[1]!;
      const losses: number[] = [];
      for (const shift of [1e-2, -1e-2]) {
        data[1] = before + shift;
        losses.push((await run()).loss);
      }
      data[1] = before;
      await run();
      expect((losses[0]! - losses[1]!) / 2e-2, name).toBeCloseTo(gradient, 3);
    }
  });

  it('asks the features for the mean of what its stages ask', async () => {
    // Three stages that all are the single head, on the same boxes: their mean is the single head's.
    const stage = { iouThreshold: 0.5, boxWeights: [1e6, 1e6, 1e6, 1e6] as const };
    const [single, triple] = [1, 3].map((count) => ({
      ...config,
      cascade: Array.from({ length: count }, () => stage),
    }));
    const runs = [];
    for (const of of [single!, triple!]) {
      const parameters = spreadParameters(of);
      for (const { name, data } of parameters.values()) {
        const first = name.replace(/^(roi_heads\.box_(?:head|predictor)\.)\d\./, '$10.');
        data.set(parameters.get(first)!.data);
      }
      const names = trainableNames(detectorSpecs(of));
      const gradients = allocateOnHeap(shapesOf(detectorSpecs(of)));
      const step = await createDetectTrainStep(of, { engine, batchSize: 1, gradients: names });
      await step.run(parameters, [sample], { random: createRandom(3), gradients });
      runs.push(gradients);
    }
    const [one, three] = runs;
    // Weights of a million: boxes all but stay where they are, so the stages see the same regions.
    const name = 'backbone.simfp_4.0.weight';
    const [a, b] = [one!.get(name)!.data, three!.get(name)!.data];
    const size = a.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    a.forEach((value, i) => {
      expect(Math.abs(value - b[i]!) / size).toBeLessThan(2e-3);
    });
  });

  it('averages the scores of its stages, and takes the boxes of the last', async () => {
    const parameters = spreadParameters(config);
    const [found] = await (await createDetectPredictStep(config, { engine, batchSize: 1 })).run(parameters, [sample]);
    // With equal heads that move nothing, a cascade is its first stage.
    const same = spreadParameters(config);
    for (const { name, data } of same.values()) {
      data.set(same.get(name.replace(/^(roi_heads\.box_(?:head|predictor)\.)\d\./, '$10.'))!.data);
      if (name.includes('bbox_pred')) data.fill(0);
    }
    const stage = [CASCADE_STAGES[0]!];
    const [three] = await (await createDetectPredictStep(config, { engine, batchSize: 1 })).run(same, [sample]);
    const alone = { ...config, cascade: stage };
    const first = new Map([...same].filter(([name]) => name in detectorSpecs(alone)));
    const [one] = await (await createDetectPredictStep(alone, { engine, batchSize: 1 })).run(first, [sample]);
    expect(three!.scores.length).toBeGreaterThan(3);
    expect(three!.classes).toEqual(one!.classes);
    three!.scores.forEach((score, i) => {
      expect(score).toBeCloseTo(one!.scores[i]!, 5);
    });
    // Boxes are clipped between stages, and decoding adds and takes half a side: a few last bits.
    three!.boxes.forEach((value, i) => {
      expect(value).toBeCloseTo(one!.boxes[i]!, 3);
    });
    expect(found!.scores).not.toEqual(three!.scores);
  });
});

describe('between the stages', () => {
  it('boxes move by the stage’s own weights, within their picture', () => {
    const from = Float32Array.of(10, 10, 30, 40, 0, 0, 20, 20);
    const to = Float32Array.of(12, 8, 36, 44, -30, -10, 15, 25);
    for (const stage of boxStages(config)) {
      const deltas = new Float32Array(8);
      for (const at of [0, 4]) encodeBox({ data: from, at }, { data: to, at }, stage.boxWeights, { data: deltas, at });
      const [moved] = nextBoxes([{ width: 60, height: 56 }], [from], deltas, stage);
      [12, 8, 36, 44, 0, 0, 15, 25].forEach((value, i) => {
        expect(moved![i]).toBeCloseTo(value, 3);
      });
    }
  });

  it('a proposal counts as an object only from the stage’s overlap on', () => {
    // Overlaps with [5, 5, 30, 30] of 0.55, 0.65 and 0.8, and none.
    const widths = [0.55, 0.65, 0.8].map((overlap) => 25 * overlap);
    const boxes = Float32Array.from([...widths.flatMap((width) => [5, 5, 5 + width, 30]), 45, 45, 50, 50]);
    const truth = picture([[5, 5, 30, 30]]).target;
    const counts = CASCADE_STAGES.map(({ iouThreshold }) => labelProposals(boxes, truth, iouThreshold, 3).numObjects);
    expect(counts).toEqual([3, 2, 1]);
    const { classes, boxes: ordered } = labelProposals(boxes, truth, 0.7, 3);
    expect([...classes]).toEqual([0, 3, 3, 3]);
    expect([...ordered.subarray(0, 4)]).toEqual([5, 5, 25, 30]);
    expect(labelProposals(boxes, picture([]).target, 0.5, 3).numObjects).toBe(0);
  });
});
