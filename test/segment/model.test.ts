import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { LabelMap } from '#core/data/targets/label-map.js';
import { createEngine } from '#core/engine/select.js';
import { vectorKernels } from '#core/engine/kernels/select.js';
import { allocateOnHeap } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import { adamw } from '#core/optim/adamw.js';
import { exportedModel } from '#core/train/export/exported-model.js';
import { onnxExporter } from '#core/train/export/onnx-exporter.js';
import type { LoadedTaskModel } from '#core/train/finetuning/load.js';
import { createTrainStep } from '#core/train/loop/steps.js';
import { trainableShapes } from '#core/train/loop/training.js';
import { evaluateTask, predictTask } from '#core/train/finetuning/use-model.js';
import { expectClose } from '../models/reference.js';
import { paintedPictures } from '../pictures/painted-pictures.js';
import { createTinySegmenter, trainingSamples } from './segmenter.js';

const classNames = ['ground', 'disc', 'bar'];

/** Trains on all pictures for some steps, the rate falling to nothing as it does in a run. */
async function fit(loaded: LoadedTaskModel, data: ReturnType<typeof paintedPictures>, steps: number): Promise<void> {
  const { objective } = loaded.model;
  const engine = await createEngine({ device: 'cpu' });
  try {
    const samples = await trainingSamples(loaded, data, data.size);
    const shapes = trainableShapes(objective);
    const gradients = allocateOnHeap(shapes);
    const step = await createTrainStep(objective, { engine, batchSize: data.size, gradients: Object.keys(shapes) });
    const optimizer = adamw(vectorKernels);
    const state = optimizer.createState(shapes, allocateOnHeap);
    const groups = new Map(Object.keys(shapes).map((name) => [name, { lrScale: 1, weightDecay: 0 }]));
    for (let index = 1; index <= steps; index++) {
      await step.run(loaded.parameters, samples, { random: createRandom(index), gradients });
      optimizer.update(loaded.parameters, gradients, state, {
        step: index,
        lr: 3e-3 * (1 - index / steps),
        groups,
      });
    }
    await step.dispose();
  } finally {
    await engine.dispose();
  }
}

describe('one picture', () => {
  it.each([
    ['deconv with layer norm', {}],
    ['deconv from two taps with group norm and Dice', { taps: [0, 1], norm: 'group', loss: { dice: 1 } }],
    [
      'UPerNet with batch norm and an auxiliary head',
      { decoder: 'upernet', norm: 'batch', upernet: { channels: 16 }, auxiliary: { channels: 8 } },
    ],
  ])('is learned to more than 0.95 mIoU by %s', async (_, settings) => {
    const data = paintedPictures({ count: 1, classNames, size: [64, 64] });
    const { loaded } = await createTinySegmenter({ data, settings });
    await fit(loaded, data, 120);
    const engine = await createEngine({ device: 'cpu' });
    const { metrics, details } = await evaluateTask({ engine, loaded, data });
    await engine.dispose();
    expect(metrics.valMIoU).toBeGreaterThan(95);
    expect(details!.tables[0]!.rows.map(([name]) => name)).toEqual(classNames);
  });
});

describe('a whole train step', () => {
  it.each([
    ['deconv, class weights, mining', { loss: { classWeights: [1, 2, 3], ohem: { minKept: 500 } } }],
    ['linear, Dice', { decoder: 'linear', loss: { dice: 1 } }],
    [
      'UPerNet, batch norm, dropout, an auxiliary head',
      { decoder: 'upernet', norm: 'batch', dropout: 0.2, upernet: { channels: 8 }, auxiliary: { channels: 8 } },
    ],
  ])('gives the same numbers eager and compiled: %s', async (_, settings) => {
    const data = paintedPictures({ count: 2, classNames, size: [32, 48] });
    const model = { imageSize: [32, 48], embedDim: 32 };
    const results = [];
    for (const device of ['cpu', 'javascript'] as const) {
      const { loaded } = await createTinySegmenter({ data, settings, model });
      const { objective } = loaded.model;
      const engine = await createEngine({ device });
      const shapes = trainableShapes(objective);
      const gradients = allocateOnHeap(shapes);
      const step = await createTrainStep(objective, { engine, batchSize: 2, gradients: Object.keys(shapes) });
      const samples = await trainingSamples(loaded, data, 2);
      const scalars = await step.run(loaded.parameters, samples, { random: createRandom(3), gradients });
      await step.dispose();
      await engine.dispose();
      results.push({ scalars, gradients, parameters: loaded.parameters });
    }
    const [compiled, eager] = results;
    expect(Object.keys(compiled!.scalars)).toEqual(Object.keys(eager!.scalars));
    expectClose(Object.values(compiled!.scalars), Object.values(eager!.scalars), 1e-5, 'loss');
    const largest = Math.max(
      ...[...eager!.gradients.values()].flatMap(({ data: values }) => [...values].map(Math.abs)),
    );
    for (const [name, { data: values }] of eager!.gradients) {
      const differences = values.map((value, index) => Math.abs(value - compiled!.gradients.get(name)!.data[index]!));
      expect(Math.max(...differences) / largest, name).toBeLessThanOrEqual(1e-5);
    }
    // Running statistics too.
    for (const [name, { data: values }] of eager!.parameters) {
      expectClose(compiled!.parameters.get(name)!.data, values, 1e-5, name);
    }
  });
});

describe('an exported model', () => {
  it('gives in ONNX the classes that predict gives', async () => {
    const data = paintedPictures({ count: 2, classNames, size: [32, 48] });
    const { loaded } = await createTinySegmenter({ data, model: { imageSize: [32, 48] } });
    await fit(loaded, data, 40);
    const engine = await createEngine({ device: 'cpu' });
    const predicted: LabelMap[] = [];
    for await (const { results } of predictTask({ engine, loaded, data })) {
      predicted.push(...(results as LabelMap[]));
    }
    await engine.dispose();
    expect(new Set(predicted[0]!.labels).size).toBe(3);
    const folder = await mkdtemp(join(tmpdir(), 'mae-segment-'));
    try {
      const path = join(folder, 'model.onnx');
      expect(await onnxExporter.write(exportedModel(loaded), path, { batchSize: 2 })).toEqual([path]);
      const session = await InferenceSession.create(await readFile(path));
      const { mean, std } = loaded.statistics;
      const pixels = Float32Array.from({ length: 2 * 32 * 48 * 3 }, (_, i) => {
        const { image } = data.item(Math.floor(i / (32 * 48 * 3)));
        const value = image.kind === 'pixels' ? image.data[i % (32 * 48 * 3)]! : NaN;
        return (value / 255 - mean[i % 3]!) / std[i % 3]!;
      });
      const { logits } = await session.run({ images: new Tensor('float32', pixels, [2, 32, 48, 3]) });
      expect(logits!.dims).toEqual([2, 32, 48, 3]);
      const values = logits!.data as Float32Array;
      let differing = 0;
      for (let i = 0; i < values.length / 3; i++) {
        const row = [...values.subarray(3 * i, 3 * i + 3)];
        const size = 32 * 48;
        if (row.indexOf(Math.max(...row)) !== predicted[Math.floor(i / size)]!.labels[i % size]) differing++;
      }
      // The interpolation's sums are of another order: a tie in the last digit may fall the other way.
      expect(differing).toBeLessThanOrEqual(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the weights of pixels', () => {
  it('sum to one over what counts, by class, and to nothing where nothing counts', async () => {
    const data = paintedPictures({ count: 2, classNames, size: [64, 64] });
    const { loaded } = await createTinySegmenter({ data, settings: { loss: { classWeights: [1, 0, 3] } } });
    const { training } = loaded.model.objective;
    if ('createStep' in training) throw new Error('training is one program');
    const samples = await trainingSamples(loaded, data, 2);
    const { labels, weights } = training.collate(samples, createRandom(0));
    const of = (label: number): number[] => [...weights!.data].filter((_, i) => labels!.data[i] === label);
    expect([...weights!.data].reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    expect(new Set(of(255))).toEqual(new Set([0]));
    expect(new Set(of(1))).toEqual(new Set([0]));
    expect(of(2)[0]! / of(0)[0]!).toBeCloseTo(3, 5);
    const nothing = samples.map((sample) => ({
      ...sample,
      target: { ...(sample.target as LabelMap), labels: new Uint8Array(64 * 64).fill(255) },
    }));
    expect(training.collate(nothing, createRandom(0)).weights!.data.every((value) => value === 0)).toBe(true);
  });
});
