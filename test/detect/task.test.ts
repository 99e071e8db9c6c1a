import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTorch } from '#core/checkpoint/pickle/torch-pickle.js';
import { mergeCheckpoint } from '#core/checkpoint/merge.js';
import type { Dataset, Sample } from '#core/contracts/dataset.js';
import type { Engine } from '#core/contracts/engine.js';
import type { TrainStep } from '#core/contracts/objective.js';
import type { TaskModel } from '#core/contracts/task.js';
import { collectDetections } from '#core/data/coco/detections.js';
import { evaluateCoco } from '#core/data/coco/evaluation/evaluate.js';
import { cocoDataset } from '#core/data/readers/coco-instances.js';
import { rleFromString } from '#core/data/masks/rle-string.js';
import type { InstanceAnnotations } from '#core/data/targets/instance-target.js';
import { createLoader } from '#core/data/loading/loader.js';
import { subset } from '#core/data/readers/split.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { inferMaeConfig } from '#core/models/infer-config.js';
import { vitBackbone } from '#core/models/vit.js';
import { allocateOnHeap, initializeParameters, shapesOf, trainableNames } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import { type DetectFacts, detectRecipes, detectSettings, detectTask, foundObjects } from '@mae-tasks/plugin-detect';
import { fixturePath } from '../fixture-path.js';
import { detectorOfSettings } from '../../packages/plugin-detect/src/network/detector-of-settings.js';
import { objectPictures, writeObjectPictures } from '../pictures/object-pictures.js';
import { TINY_DETECTOR } from './tiny-detector.js';

const vit = {
  imageSize: [64, 64],
  patchSize: 8,
  inChannels: 3,
  embedDim: 32,
  depth: 4,
  numHeads: 2,
  mlpRatio: 2,
} as const;
const facts: DetectFacts = { classNames: ['disc', 'block'], categoryIds: [3, 7] };
const statistics = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

function contextOf(settings: Record<string, unknown> = {}) {
  return {
    settings: detectSettings.parse({ ...TINY_DETECTOR, ...settings }),
    facts,
    mode: 'full' as const,
    vit,
    backbone: vitBackbone,
    dropPath: 0,
    statistics,
  };
}

const modelOf = (settings: Record<string, unknown> = {}): TaskModel => detectTask.createModel(contextOf(settings));

async function loaded(dataset: Dataset, model: TaskModel, part: 'training' | 'evaluation'): Promise<Sample[]> {
  const { transforms, target } = model.objective[part];
  const loader = await createLoader({
    dataset,
    pipeline: { decode: { channels: 3 }, transforms, ...(target === undefined ? {} : { target }) },
    batchSize: dataset.size,
    random: createRandom(2),
    shuffle: false,
    workers: 0,
  });
  for await (const samples of loader.batches(0)) return [...samples];
  return [];
}

describe('odd pictures through the loader', () => {
  let engine: Engine;
  let step: TrainStep;
  const { objective } = modelOf();
  beforeAll(async () => {
    engine = await createOnnxEngine({ threads: 2 });
    if (!('createStep' in objective.training)) throw new Error('The detector is more than one program.');
    const gradients = trainableNames(objective.parameters);
    step = await objective.training.createStep({ engine, batchSize: 1, gradients });
  });
  afterAll(async () => {
    await step.dispose();
    await engine.dispose();
  });

  /** A picture of 60 × 40 with these objects, `[x0, y0, x1, y1]`. */
  const picture = (objects: ReadonlyArray<readonly number[]>, crowds: readonly number[] = []): Dataset => ({
    name: 'odd',
    size: 1,
    item: () => ({
      id: 'odd.png',
      image: {
        kind: 'pixels',
        data: new Uint8Array(60 * 40 * 3).map((_, i) => (i * 37) % 256),
        width: 60,
        height: 40,
        channels: 3,
      },
      target: {
        imageId: 1,
        width: 60,
        height: 40,
        ids: Float64Array.from(objects.keys()),
        boxes: Float64Array.from(objects.flat()),
        classes: Int32Array.from(objects, (_, i) => i % 2),
        crowds: Uint8Array.from(objects, (_, i) => Number(crowds.includes(i))),
        masks: objects.map(([x0, y0, x1, y1], i) =>
          i % 4 === 3
            ? undefined
            : { kind: 'polygons', parts: [Float64Array.of(x0!, y0!, x1!, y0!, x1!, y1!, x0!, y1!)] },
        ),
      } satisfies InstanceAnnotations,
    }),
    classNames: ['disc', 'block'],
    warnings: [],
  });
  const many = Array.from({ length: 300 }, (_, i) => {
    const [x, y] = [(i * 7) % 50, (i * 11) % 30];
    return [x, y, x + 2 + (i % 8), y + 2 + (i % 9)];
  });

  it.each<[string, Dataset]>([
    ['no objects', picture([])],
    ['one object', picture([[5, 5, 30, 30]])],
    ['300 objects', picture(many)],
    ['only crowds', picture([[0, 0, 60, 40]], [0])],
    [
      'boxes without area',
      picture([
        [9, 9, 9, 9],
        [3, 5, 3, 20],
        [10, 10, 40, 35],
      ]),
    ],
    ['an object of the whole picture', picture([[0, 0, 60, 40]])],
    [
      'objects beyond the border',
      picture([
        [-20, -10, 20, 20],
        [50, 30, 90, 80],
      ]),
    ],
  ])('train without NaN: %s', async (_, data) => {
    for (const scale of [
      [1, 1],
      [0.1, 0.1],
      [2, 2],
    ]) {
      const samples = await loaded(data, modelOf({ augmentation: { scale, flip: 1 } }), 'training');
      const parameters = initializeParameters(objective.parameters, createRandom(0));
      const gradients = allocateOnHeap(shapesOf(objective.parameters));
      const losses = await step.run(parameters, samples, { random: createRandom(1), gradients });
      expect(Object.values(losses).every(Number.isFinite), JSON.stringify(losses)).toBe(true);
      for (const { name, data: values } of gradients.values()) expect(values.every(Number.isFinite), name).toBe(true);
    }
  });
});

describe('scores by COCO’s rules', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mae-detect-task-'));
    await writeObjectPictures(folder, 12, 9);
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What a detector might find: true boxes moved, some with another class, some missing. */
  function imagined(sample: Sample) {
    const { target, width, originalWidth, originalHeight } = sample;
    const { boxes, classes, ids } = target as InstanceAnnotations;
    const scale = width / originalWidth;
    const random = createRandom(4).fork('found', ids[0] ?? 0);
    const kept = [...classes.keys()].filter(() => random.uniform() < 0.85);
    const detections = {
      boxes: Float32Array.from(
        kept.flatMap((i) => [...boxes.subarray(4 * i, 4 * i + 4)].map((value) => value * scale + 2 * random.normal())),
      ),
      scores: Float32Array.from(kept, () => random.uniform()),
      classes: Int32Array.from(kept, (i) => (random.uniform() < 0.8 ? classes[i]! : 1 - classes[i]!)),
      maskProbabilities: Float32Array.from({ length: kept.length * 14 * 14 }, () => 0.9),
    };
    const picture = { width: originalWidth, height: originalHeight };
    return foundObjects(detections, sample, picture, facts.classNames);
  }

  it.each<[string, (data: Dataset) => Dataset]>([
    ['all pictures', (data) => data],
    ['a part of them', (data) => subset(data, [1, 2, 4, 8])],
  ])('are those of the annotation file, for %s', async (_, part) => {
    const model = modelOf();
    const whole = cocoDataset(folder, { split: 'val' });
    const data = part(whole);
    const samples = await loaded(data, model, 'evaluation');
    const found = samples.map(imagined);
    const evaluator = model.objective.createEvaluator();
    for (let at = 0; at < samples.length; at += 2) {
      evaluator.update(found.slice(at, at + 2), samples.slice(at, at + 2));
    }
    const metrics = evaluator.compute();

    const records = samples.flatMap((sample, i) => {
      const [result] = model.prediction.decode([found[i]!], [sample]);
      return model.prediction.records!(sample, result);
    }) as unknown as Array<{
      image_id: number;
      category_id: number;
      bbox: [number, number, number, number];
      score: number;
      segmentation: { size: [number, number]; counts: string };
    }>;
    const detections = collectDetections(
      whole.annotations,
      records.map(({ image_id: imageId, category_id: categoryId, bbox: box, score, segmentation }) => ({
        imageId,
        categoryId,
        score,
        box,
        mask: rleOf(segmentation),
      })),
    );
    const imageIds = samples.map(({ target }) => (target as InstanceAnnotations).imageId);
    const options = { imageIds };
    const box = evaluateCoco(whole.annotations, detections, { type: 'bbox', ...options });
    const mask = evaluateCoco(whole.annotations, detections, { type: 'segm', ...options });
    const agnostic = evaluateCoco(whole.annotations, detections, { type: 'bbox', classAgnostic: true, ...options });
    expect(metrics).toEqual({
      valBoxAP: box.stats[0],
      valBoxAP50: box.stats[1],
      valBoxAP75: box.stats[2],
      valMaskAP: mask.stats[0],
      valMaskAP50: mask.stats[1],
      valMaskAP75: mask.stats[2],
      valBoxAP50Agnostic: agnostic.stats[1],
    });
    expect(metrics.valBoxAP).toBeGreaterThan(0.02);
    expect(metrics.valMaskAP50).toBeGreaterThan(0.02);
    const details = await evaluator.details!();
    const [summary, classes] = details.tables;
    expect(summary!.rows).toHaveLength(12);
    expect(summary!.rows[0]!.slice(0, 5)).toEqual(['AP', '0.50:0.95', 'all', 100, box.stats[0]!.toFixed(3)]);
    expect(classes!.rows.map(([name]) => name)).toEqual(['disc', 'block']);
    expect(details.drawings.map(({ name }) => name)).toEqual(['precision-recall-box', 'precision-recall-mask']);
  });

  it('are 0, and not undefined, where nothing is there and nothing found', async () => {
    const model = modelOf();
    const data = subset(objectPictures(8), [3, 7]);
    const samples = await loaded(data, model, 'evaluation');
    const evaluator = model.objective.createEvaluator();
    evaluator.update([[], []], samples);
    expect(evaluator.compute()).toEqual({ valBoxAP: 0 });
  });

  it('count only the classes that are looked for', async () => {
    const settings = { classes: ['block'] };
    const model = modelOf(settings);
    const samples = await loaded(objectPictures(9), model, 'evaluation');
    const evaluator = model.objective.createEvaluator();
    evaluator.update(samples.map(imagined), samples);
    const { tables } = await evaluator.details!();
    expect(tables[1]!.rows.map(([name]) => name)).toEqual(['block']);
    expect(() => modelOf({ classes: ['cube'] })).toThrow(/`detect.classes` names "cube"/);
  });
});

function rleOf({ size: [height, width], counts }: { size: [number, number]; counts: string }) {
  return rleFromString(counts, height, width);
}

describe('settings and recipes', () => {
  it('scale anchors down to small pictures, and keep ViTDet’s at 1024', () => {
    const sizesAt = (side: number, patchSize: number) =>
      detectorOfSettings({
        ...contextOf({ positionGrid: null }),
        vit: { ...vit, imageSize: [side, side], patchSize },
      }).anchors.sizes;
    expect(sizesAt(1024, 16)).toEqual([32, 64, 128, 256, 512]);
    expect(sizesAt(512, 16)).toEqual([32, 64, 128, 256, 512]);
    expect(sizesAt(224, 16)).toEqual([14, 28, 56, 112, 224]);
    expect(sizesAt(64, 8)).toEqual([4, 8, 16, 32, 64]);
  });

  it('are detectron2’s where they are published', () => {
    const { settings } = detectRecipes['vitdet-l']!;
    expect(settings).toMatchObject({ epochs: 100, dropPath: 0.4, model: { imageSize: 1024 } });
    const { blr, milestones, layerDecay, weightDecay } = settings.optimizer as Record<string, number & number[]>;
    const effective = (settings.batchSize as number) * (settings.accumIter as number);
    expect([(blr! * effective) / 256, effective, layerDecay, weightDecay]).toEqual([1e-4, 64, 0.8, 0.1]);
    expect(milestones!.map((share) => Math.round(share * 184_375))).toEqual([163_889, 177_546]);
  });

  it('decay the rate by layer, and weights as detectron2 does', () => {
    const group = (name: string, settings = {}) =>
      modelOf(settings).parameterGroup!(name, [1], { layerDecay: 0.5, weightDecay: 0.1 });
    expect(group('pos_embed')).toEqual({ lrScale: 0.5 ** 5, weightDecay: 0 });
    expect(group('blocks.3.norm1.weight')).toEqual({ lrScale: 0.5, weightDecay: 0 });
    expect(group('blocks.0.attn.qkv.bias')).toEqual({ lrScale: 0.5 ** 4, weightDecay: 0.1 });
    expect(group('blocks.3.attn.rel_pos_h')).toEqual({ lrScale: 0.5, weightDecay: 0.1 });
    expect(group('backbone.simfp_2.1.weight')).toEqual({ lrScale: 1, weightDecay: 0.1 });
    expect(group('blocks.3.norm1.weight', { decayNorms: true }).weightDecay).toBe(0.1);
  });
});

describe('checkpoints', () => {
  const mae = {
    imageSize: [64, 64],
    patchSize: 8,
    inChannels: 3,
    embedDim: 64,
    depth: 3,
    numHeads: 4,
    mlpRatio: 4,
  } as const;

  it('of the official MAE fit, at another size of pictures', async () => {
    const { tensors } = await readTorch(fixturePath('mae/mae.pth'));
    const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
    const config = { ...mae, ...inferMaeConfig(shapes, 'mae.pth'), imageSize: [64, 96] as const };
    const model = detectTask.createModel({ ...contextOf(), vit: config });
    const parameters = initializeParameters(model.objective.parameters, createRandom(0));
    const encoder = new Map([...tensors].filter(([name]) => !/^(?:decoder_|mask_token)/.test(name)));
    const [height, width] = model.checkpoint.positionGrid!;
    const report = mergeCheckpoint(parameters, encoder, {
      path: 'mae.pth',
      ...model.checkpoint,
      positions: { pos_embed: { to: { height, width } } },
    });
    expect(report.reshaped.map(({ name }) => name)).toEqual(['pos_embed']);
    expect(report.unexpected).toEqual(['cls_token', 'norm.weight', 'norm.bias']);
    expect(report.missing.every((name) => /rel_pos|^backbone\.|^proposal_generator\.|^roi_heads\./.test(name))).toBe(
      true,
    );
    const relative = parameters.get('blocks.0.attn.rel_pos_h')!.data;
    expect(relative.every((value) => value === 0)).toBe(true);
  });

  it('of a detector tell its heads and its size, and fit another', () => {
    const specs = modelOf().objective.parameters;
    const shapes = shapesOf(specs);
    const positions = shapes.pos_embed!;
    expect(positions).toEqual([1, 65, 32]);
    const inferred = inferMaeConfig(new Map(Object.entries({ ...shapes, pos_embed: [1, 17, 32] })), 'detector');
    expect(inferred).toMatchObject({ imageSize: [64, 64], numHeads: 2, depth: 4, embedDim: 32 });

    const larger = detectTask.createModel({ ...contextOf(), vit: { ...vit, imageSize: [96, 96] } });
    const stored = initializeParameters(specs, createRandom(5));
    // A table that rises evenly from row to row, and so does the longer one that it becomes.
    stored.get('blocks.3.attn.rel_pos_h')!.data.forEach((_, i, all) => (all[i] = Math.floor(i / 16)));
    const parameters = initializeParameters(larger.objective.parameters, createRandom(6));
    const [height, width] = larger.checkpoint.positionGrid!;
    const report = mergeCheckpoint(
      parameters,
      new Map([...stored].map(([name, { shape, data }]) => [name, { dtype: 'F32', shape, data }])),
      { path: 'detector', ...larger.checkpoint, positions: { pos_embed: { to: { height, width } } } },
    );
    const tables = ['blocks.3.attn.rel_pos_h', 'blocks.3.attn.rel_pos_w'];
    expect(report.reshaped.map(({ name }) => name).filter((name) => name.startsWith('blocks.3'))).toEqual(tables);
    expect(report.missing).toEqual([]);
    const table = parameters.get('blocks.3.attn.rel_pos_h')!;
    expect(table.shape).toEqual([23, 8 * 2]);
    const rows = Array.from({ length: 23 }, (_, row) => table.data[16 * row]!);
    expect(rows[11]).toBeCloseTo(7, 5);
    for (let row = 2; row < 22; row++) expect(rows[row]! - rows[row - 1]!).toBeCloseTo(15 / 23, 5);
    expect(parameters.get('roi_heads.box_head.fc1.weight')!.data).toEqual(
      stored.get('roi_heads.box_head.fc1.weight')!.data,
    );
  });
});
