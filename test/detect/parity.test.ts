import type * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, TensorFunction } from '#core/contracts/engine.js';
import type { HostTensor, ParameterTree } from '#core/contracts/tensor.js';
import { allocateOnHeap, shapesOf, trainableNames } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import {
  assignLevels,
  createAnchors,
  createDetectPredictStep,
  createDetectTrainStep,
  detectorSpecs,
  type FeatureLevel,
  findDetections,
  findProposals,
  foundObjects,
  padPictures,
  pasteMask,
  pyramidLevels,
  roiAlign,
} from '@mae-tasks/plugin-detect';
import { chosenEngines } from '../models/chosen-engines.js';
import { expectClose, readReference, type Reference, relativeError, toChannelsLast } from '../models/reference.js';
import {
  boxFunction,
  boxSpec,
  maskFunction,
  maskSpec,
  trunkFunction,
} from '../../packages/plugin-detect/src/network/detector.js';
import { boxStages } from '../../packages/plugin-detect/src/network/box-stages.js';
import { sampleProposals } from '../../packages/plugin-detect/src/training/roi-targets.js';
import { encodeMaps } from '../../packages/plugin-detect/src/network/vit-det.js';
import {
  detectron2Name,
  referenceDetector as config,
  referenceSample,
  referenceWeights,
} from './reference-detector.js';
import { regionToBitmap } from '../data/targets/region-bitmap.js';

const FORWARD = 1e-5;
const GRADIENT = 1e-4;
const LEVELS = ['p2', 'p3', 'p4', 'p5', 'p6'];
const STRIDES = [4, 8, 16, 32];

let reference: Reference;
let parameters: ParameterTree;
const shapes = shapesOf(detectorSpecs(config));

beforeAll(async () => {
  reference = await readReference('vitdet/vitdet_forward.safetensors');
  parameters = await referenceWeights();
});

const channelsLast = (name: string): Float32Array => toChannelsLast(reference.float32(name), reference.shape(name));

describe.each(chosenEngines())('the detector against detectron2, %s', (_, start) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.dispose());

  const run = async (fn: TensorFunction, batch: Record<string, HostTensor>) => {
    const program = await engine.compile({ name: 'test', fn, parameters: shapes, batch });
    return program.run(parameters, batch);
  };
  const images = () => padPictures([referenceSample(reference)], config, 1);

  it('computes the encoder, every pyramid level and the proposal network', async () => {
    expectClose(images().data, channelsLast('padded'), 1e-6, 'padded');
    const outputs = await run(
      (tensors, batch) => {
        const image = batch.images as tf.Tensor4D;
        const levels = pyramidLevels(tensors, image, config);
        const { logits, deltas } = trunkFunction(config)(tensors, batch);
        return {
          encoded: encodeMaps(tensors, image, config).at(-1)!,
          ...Object.fromEntries(levels.map((level, index) => [LEVELS[index]!, level])),
          logits: logits!,
          deltas: deltas!,
        };
      },
      { images: images() },
    );
    expectClose(outputs.encoded!.data, channelsLast('net.last_feat'), FORWARD, 'encoder');
    for (const level of LEVELS) expectClose(outputs[level]!.data, channelsLast(`features.${level}`), FORWARD, level);
    expectClose(
      outputs.logits!.data,
      LEVELS.flatMap((level) => [...channelsLast(`rpn.logits.${level}`)]),
      FORWARD,
      'logits',
    );
    expectClose(
      outputs.deltas!.data,
      LEVELS.flatMap((level) => [...channelsLast(`rpn.deltas.${level}`)]),
      FORWARD,
      'deltas',
    );
  });

  it('computes scores and deltas of pooled regions', async () => {
    const pooled = channelsLast('box_pooled');
    const spec = boxSpec(config, 40).pooled!;
    const outputs = await run(boxFunction(config, boxStages(config)[0]!), { pooled: { ...spec, data: pooled } });
    expectClose(outputs.scores!.data, softmaxRows(reference.float32('box.scores'), 6), FORWARD, 'scores');
    expectClose(outputs.deltas!.data, reference.float32('box.deltas'), FORWARD, 'deltas');
  });

  it('computes the masks of the detected boxes', async () => {
    const boxes = reference.float32('detections.boxes');
    const [numMasks, poolSize] = [boxes.length / 4, config.maskHead!.poolSize];
    const pooled = new Float32Array(numMasks * poolSize ** 2 * 16);
    const regions = { boxes, pictures: new Int32Array(numMasks), levels: assignLevels(boxes, STRIDES) };
    roiAlign(referenceLevels(), regions, { poolSize, samplingRatio: 0 }, pooled);
    const spec = maskSpec(config, numMasks);
    const classes = Int32Array.from(reference.numbers('detections.classes'));
    const batch = { pooled: { ...spec.pooled!, data: pooled }, classes: { ...spec.classes!, data: classes } };
    const { masks } = await run(maskFunction(config), batch);
    expectClose(masks!.data, reference.float32('detections.mask_probs'), FORWARD, 'masks');
  });

  it('computes scores and masks of the reference’s boxes from pictures', async () => {
    const trunk = await run(trunkFunction(config), { images: images() });
    const levels = STRIDES.map((stride, index) => {
      const { data, shape } = trunk[LEVELS[index]!]!;
      return { data: data as Float32Array, shape, stride };
    });
    const pool = (boxes: Float32Array, poolSize: number) => {
      const count = boxes.length / 4;
      const pooled = new Float32Array(count * poolSize ** 2 * 16);
      const regions = { boxes, pictures: new Int32Array(count), levels: assignLevels(boxes, STRIDES) };
      roiAlign(levels, regions, { poolSize, samplingRatio: 0 }, pooled);
      return pooled;
    };
    const proposals = pool(reference.float32('proposals.boxes'), 7);
    expectClose(proposals, channelsLast('box_pooled'), FORWARD, 'pooled');
    const spec = boxSpec(config, 40).pooled!;
    const { scores } = await run(boxFunction(config, boxStages(config)[0]!), { pooled: { ...spec, data: proposals } });
    expectClose(scores!.data, softmaxRows(reference.float32('box.scores'), 6), FORWARD, 'scores');
    const found = pool(reference.float32('detections.boxes'), config.maskHead!.poolSize);
    const classes = Int32Array.from(reference.numbers('detections.classes'));
    const masked = maskSpec(config, classes.length);
    const batch = { pooled: { ...masked.pooled!, data: found }, classes: { ...masked.classes!, data: classes } };
    const { masks } = await run(maskFunction(config), batch);
    expectClose(masks!.data, reference.float32('detections.mask_probs'), FORWARD, 'masks');
  });

  it('finds the same objects, end to end', async () => {
    const sample = referenceSample(reference);
    const step = await createDetectPredictStep(config, { engine, batchSize: 1 });
    const [found] = await step.run(parameters, [sample]);
    expect([...found!.classes]).toEqual(reference.numbers('detections.classes'));
    expectClose(found!.boxes, reference.float32('detections.boxes'), FORWARD, 'boxes');
    // Every link of the chain is within 1.5e-6. Over the whole chain the boxes' last bits count: a proposal that moves by
    // 4e-5 pixels, 3e-7 of the largest coordinate, changes pooled features by 2e-5 of their range. The reference's own
    // rounding does that too: with encoder, pyramid and proposal network computed in float64, its scores are 9e-6 off and
    // its masks 9e-6, ours 8e-6 and 1e-5. So two float32 computations, each about 1e-5 off what is exact, differ by up to
    // twice that.
    const throughBoxes = 2 * FORWARD;
    expectClose(found!.scores, reference.float32('detections.scores'), throughBoxes, 'scores');
    expectClose(found!.maskProbabilities!, reference.float32('detections.mask_probs'), throughBoxes, 'masks');

    const size = { width: 2 * sample.width, height: 2 * sample.height };
    const objects = foundObjects(found!, sample, size, ['c0', 'c1', 'c2', 'c3', 'c4']);
    expect(objects.map(({ class: name }) => name)).toEqual([...found!.classes].map((index) => `c${index}`));
    const boxes = objects.flatMap(({ box: [x, y, w, h] }) => [x, y, x + w, y + h]);
    expectClose(boxes, reference.float32('post.boxes'), FORWARD, 'boxes at twice the size');
    const bitmaps = objects.map(({ mask }) => regionToBitmap(mask!, size));
    // A pixel may differ where the reference's own probability lies that close to the threshold.
    const [sure, possible] = [0.5 + throughBoxes, 0.5 - throughBoxes].map((threshold) => pasteReference(threshold));
    bitmaps.forEach((bitmap, i) => {
      expect(bitmap.every((value, pixel) => value >= sure![i]![pixel]! && value <= possible![i]![pixel]!)).toBe(true);
    });
    expect(countDifferent(bitmaps, reference.numbers('post.masks'))).toBeLessThan(5); // of 5,734,400
  });

  it('computes the five losses and the gradient of every parameter', async () => {
    const names = trainableNames(detectorSpecs(config));
    const step = await createDetectTrainStep(config, { engine, batchSize: 1, gradients: names });
    const gradients = allocateOnHeap(shapes);
    const sample = referenceSample(reference);
    const losses = await step.run(parameters, [sample], { random: createRandom(0), gradients });
    const expected = {
      lossCls: 'loss.loss_cls',
      lossBoxReg: 'loss.loss_box_reg',
      lossMask: 'loss.loss_mask',
      lossRpnCls: 'loss.loss_rpn_cls',
      lossRpnLoc: 'loss.loss_rpn_loc',
    } as const;
    for (const [ours, theirs] of Object.entries(expected)) {
      expectClose([losses[ours]!], reference.float32(theirs), FORWARD, ours);
    }
    const given = reference.names.filter((name) => name.startsWith('grad.'));
    expect(names.map((name) => `grad.${detectron2Name(name)}`).sort()).toEqual(given.sort());
    const errors = names.map(
      (name) =>
        [name, relativeError(gradients.get(name)!.data, reference.float32(`grad.${detectron2Name(name)}`))] as const,
    );
    const wrong = errors.filter(([, error]) => !(error <= GRADIENT));
    expect(wrong).toEqual([]);
    // In plain JavaScript on a busy machine.
  }, 180_000);
});

function referenceLevels(): FeatureLevel[] {
  return STRIDES.map((stride, index) => {
    const name = `features.${LEVELS[index]!}`;
    const [, channels, height, width] = reference.shape(name) as [number, number, number, number];
    return { data: channelsLast(name), shape: [1, height, width, channels], stride };
  });
}

/** The reference's probabilities pasted at twice the size. */
function pasteReference(threshold: number): Uint8Array[] {
  const boxes = reference.float32('post.boxes');
  const probabilities = reference.float32('detections.mask_probs');
  const size = { width: 224, height: 256 };
  return Array.from({ length: boxes.length / 4 }, (_, i) =>
    regionToBitmap(pasteMask(probabilities.subarray(i * 784, (i + 1) * 784), boxes, i, size, threshold), size),
  );
}

function countDifferent(bitmaps: readonly Uint8Array[], expected: readonly number[]): number {
  const area = bitmaps[0]!.length;
  expect(bitmaps.length * area).toBe(expected.length);
  let different = 0;
  bitmaps.forEach((bitmap, i) => {
    bitmap.forEach((value, pixel) => (different += Number(value !== expected[i * area + pixel])));
  });
  return different;
}

/** The reference keeps the box head's logits. */
function softmaxRows(logits: Float32Array, width: number): Float32Array {
  const result = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += width) {
    const powers = Array.from(logits.subarray(start, start + width), Math.exp);
    const sum = powers.reduce((total, value) => total + value, 0);
    powers.forEach((value, i) => (result[start + i] = value / sum));
  }
  return result;
}

describe('the steps between programs against detectron2', () => {
  it('places the anchors', () => {
    createAnchors(config).forEach(({ boxes }, index) => {
      expectClose(boxes, reference.float32(`anchors.${LEVELS[index]!}`), 1e-6, LEVELS[index]!);
    });
  });

  it('proposes the same boxes', () => {
    const logits = Float32Array.from(LEVELS.flatMap((level) => [...channelsLast(`rpn.logits.${level}`)]));
    const deltas = Float32Array.from(LEVELS.flatMap((level) => [...channelsLast(`rpn.deltas.${level}`)]));
    const options = { ...config.rpn.test, nmsThreshold: config.rpn.nmsThreshold, width: 112, height: 128 };
    const proposals = findProposals(createAnchors(config), logits, deltas, options);
    expectClose(proposals.logits, reference.float32('proposals.logits'), 1e-6, 'logits');
    expectClose(proposals.boxes, reference.float32('proposals.boxes'), 1e-6, 'boxes');
  });

  it('pools the same features', () => {
    const boxes = reference.float32('proposals.boxes');
    const regions = { boxes, pictures: new Int32Array(40), levels: assignLevels(boxes, STRIDES) };
    const pooled = new Float32Array(40 * 49 * 16);
    roiAlign(referenceLevels(), regions, { poolSize: 7, samplingRatio: 0 }, pooled);
    expectClose(pooled, channelsLast('box_pooled'), FORWARD, 'pooled');
  });

  it('decodes and suppresses the same detections', () => {
    const proposals = {
      boxes: reference.float32('proposals.boxes'),
      scores: softmaxRows(reference.float32('box.scores'), 6),
      deltas: reference.float32('box.deltas'),
    };
    const found = findDetections(proposals, { width: 112, height: 128 }, config);
    expect([...found.classes]).toEqual(reference.numbers('detections.classes'));
    expectClose(found.scores, reference.float32('detections.scores'), 1e-6, 'scores');
    expectClose(found.boxes, reference.float32('detections.boxes'), 1e-6, 'boxes');
  });

  it('lets detections of different classes suppress each other where that is wanted', () => {
    const proposals = {
      boxes: reference.float32('proposals.boxes'),
      scores: softmaxRows(reference.float32('box.scores'), 6),
      deltas: reference.float32('box.deltas'),
    };
    const detect = (agnosticNms: boolean) =>
      findDetections(proposals, { width: 112, height: 128 }, { ...config, test: { ...config.test, agnosticNms } });
    const [apart, together] = [detect(false), detect(true)];
    expect(mostOverlap(apart.boxes)).toBeGreaterThan(config.test.nmsThreshold);
    expect(mostOverlap(together.boxes)).toBeLessThanOrEqual(config.test.nmsThreshold);
    expect(together.scores[0]).toBe(apart.scores[0]);
    expect(together.scores.length).toBeLessThan(apart.scores.length);
  });

  it('pastes the same masks', () => {
    expect(countDifferent(pasteReference(0.5), reference.numbers('post.masks'))).toBe(0);
  });

  it('labels and samples the same proposals for training', () => {
    const truth = referenceSample(reference).target;
    const expected = reference.float32('train.proposals.boxes');
    const classes = reference.numbers('train.proposals.classes');
    const known = new Set(Array.from({ length: 64 }, (_, i) => keyOf(expected, i, classes[i]!)));
    const inOrder = Array.from({ length: 64 }, (_, i) => i).filter((i) => !isTrueBox(truth.boxes, expected, i));
    const candidates = Float32Array.from(inOrder.flatMap((i) => [...expected.subarray(4 * i, 4 * i + 4)]));
    const sampled = sampleProposals(
      { boxes: candidates, logits: new Float32Array(60) },
      truth,
      config,
      createRandom(0),
    );
    const ours = new Set(Array.from(sampled.classes, (value, i) => keyOf(sampled.boxes, i, value)));
    expect(ours).toEqual(known);
  });
});

function keyOf(boxes: Float32Array, i: number, index: number): string {
  return [...boxes.subarray(4 * i, 4 * i + 4), index].join(' ');
}

function isTrueBox(truth: Float32Array, boxes: Float32Array, i: number): boolean {
  for (let t = 0; t < truth.length; t += 4) {
    if ([0, 1, 2, 3].every((side) => truth[t + side] === boxes[4 * i + side])) return true;
  }
  return false;
}

/** The largest intersection over union of two of the boxes. */
function mostOverlap(boxes: Float32Array): number {
  const all = Array.from({ length: boxes.length / 4 }, (_, i) => [...boxes.subarray(4 * i, 4 * i + 4)] as Box);
  const area = ([x0, y0, x1, y1]: Box): number => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);
  const overlaps = all.flatMap((a, i) =>
    all.slice(0, i).map((b) => {
      const common: Box = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
      return area(common) / (area(a) + area(b) - area(common));
    }),
  );
  return Math.max(...overlaps);
}

type Box = [number, number, number, number];
