import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sample } from '#core/contracts/dataset.js';
import type { Engine } from '#core/contracts/engine.js';
import type { Objective } from '#core/contracts/objective.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { createTfjsEngine } from '#core/engine/tfjs.js';
import { allocateOnHeap, initializeParameters } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import { checkSettings } from '#core/base/check-settings.js';
import { chooseReplicas } from '#core/train/loop/choose-replicas.js';
import { readingSettings } from '#core/train/settings/data-settings.js';
import { assemblePretraining } from '#core/train/pretraining/assemble.js';
import { pretrain } from '#core/train/pretraining/pretrain.js';
import { pretrainSettings, type PretrainSettingsInput } from '#core/train/settings/pretrain-settings.js';
import { createReplicatedStep } from '#core/train/loop/replicated-step.js';
import { splitBatch } from '#core/train/loop/split-batch.js';
import { createTrainStep } from '#core/train/loop/steps.js';
import { loadTrainingState, saveTrainingState } from '#core/train/run/training-checkpoint.js';
import { type StepRecord, train, trainableShapes, type Training } from '#core/train/loop/training.js';
import { classifySettings, classifyTask } from '@mae-tasks/plugin-classify';
import { vitBackbone } from '#core/models/vit.js';
import { TINY_PRETRAINING, TINY_VIT } from '../../models/tiny-models.js';
import { tinyPictures } from '../../pictures/tiny-pictures.js';

const small = TINY_PRETRAINING satisfies PretrainSettingsInput;

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 2 });
  folder = await mkdtemp(join(tmpdir(), 'replicas-'));
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

function assemble(input: PretrainSettingsInput = small): Promise<Training> {
  const data = checkSettings(readingSettings, { workers: 0 });
  const settings = { ...checkSettings(pretrainSettings, input), data };
  return assemblePretraining(settings, { engine, pictures: { train: tinyPictures(12) } });
}

async function runAll(training: Training, replicas: number, steps = Infinity) {
  const records: StepRecord[] = [];
  for await (const record of train({ ...training, loop: { ...training.loop, replicas } })) {
    records.push(record);
    if (record.step >= steps) break;
  }
  await training.data.close();
  return records.map(({ imagesPerSecond: _, ...rest }) => rest);
}

function bytesOf(tree: ParameterTree): Buffer {
  return Buffer.concat(
    [...tree.values()].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  );
}

/** Loss and gradients of one whole batch and of the same in parts. */
async function compareParts(objective: Objective, samples: readonly Sample[]): Promise<void> {
  const shapes = trainableShapes(objective);
  const parameters = initializeParameters(objective.parameters, createRandom(0));
  const setting = { engine, batchSize: samples.length, gradients: Object.keys(shapes) };
  const [whole, parts] = [allocateOnHeap(shapes), allocateOnHeap(shapes)];
  const step = await createTrainStep(objective, setting);
  const expected = await step.run(parameters, samples, { random: createRandom(5), gradients: whole });
  await step.dispose();
  for (const replicas of [2, 4]) {
    const replicated = await createReplicatedStep(objective, { ...setting, replicas });
    const actual = await replicated.run(parameters, samples, { random: createRandom(5), gradients: parts });
    await replicated.dispose();
    expect(Object.keys(actual)).toEqual(Object.keys(expected));
    expect(Math.abs(actual.loss! - expected.loss!) / expected.loss!).toBeLessThan(1e-5);
    const values = [...whole.values()].flatMap(({ data }) => [...data]);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeGreaterThan(0);
    const others = [...parts.values()].flatMap(({ data }) => [...data]);
    const furthest = values.reduce((most, value, index) => Math.max(most, Math.abs(value - others[index]!)), 0);
    expect(furthest / largest).toBeLessThan(1e-5);
  }
}

describe('training in replicas', () => {
  it('gives the gradients of the whole batch', async () => {
    const assembled = await assemble({ ...small, maskStrategy: 'block' });
    const { objective, data } = assembled;
    for await (const samples of data.train.batches(0, 0)) {
      await compareParts(objective, samples);
      break;
    }
    await data.close();
  });

  it('gives a classifier the gradients of the whole batch, with mixing and drop path', async () => {
    const classNames = ['a', 'b', 'c'];
    const { objective } = classifyTask.createModel({
      settings: { ...classifySettings.parse({}), mixup: 0.8, cutmix: 1, labelSmoothing: 0.1, classWeights: [1, 2, 3] },
      facts: { classNames, counts: [1, 1, 1] },
      mode: 'full',
      vit: TINY_VIT,
      backbone: vitBackbone,
      dropPath: 0.5,
      statistics: { mean: [0, 0, 0], std: [1, 1, 1] },
    });
    const random = createRandom(1);
    const samples = Array.from({ length: 8 }, (_, index) => ({
      id: `${index}`,
      pixels: Float32Array.from({ length: 16 * 16 * 3 }, () => random.normal()),
      height: 16,
      width: 16,
      originalHeight: 16,
      originalWidth: 16,
      channels: 3,
      target: index % 3,
    }));
    await compareParts(objective, samples);
  });

  it('follows a run in one piece up to the order of sums, with gradients added up over batches', async () => {
    for (const settings of [small, { ...small, accumIter: 2, optimizer: { clipGrad: 1, ema: 0.9 } }]) {
      const [whole, parts] = [await assemble(settings), await assemble(settings)];
      const expected = await runAll(whole, 1);
      const actual = await runAll(parts, 2);
      expect(actual.length).toBe(expected.length);
      expect(actual.map(({ step, epoch, lr }) => [step, epoch, lr])).toEqual(
        expected.map(({ step, epoch, lr }) => [step, epoch, lr]),
      );
      expected.forEach(({ loss, gradNorm, step }, index) => {
        expect(Math.abs(actual[index]!.loss - loss) / loss, `loss of step ${step}`).toBeLessThan(1e-5);
        expect(Math.abs(actual[index]!.gradNorm - gradNorm) / gradNorm, `norm of step ${step}`).toBeLessThan(1e-5);
      });
    }
  });

  it('gives the same bits again, and resumes exactly from a checkpoint', async () => {
    const [whole, begun, resumed] = [await assemble(), await assemble(), await assemble()];
    const records = await runAll(whole, 2);
    const before = await runAll(begun, 2, 4);
    const path = join(folder, 'last.safetensors');
    const about = { objective: 'pretrain', seed: 7, best: null, pendingEpoch: null, config: {} };
    await saveTrainingState(path, begun.state, about);
    await loadTrainingState(path, resumed.state);
    const after = await runAll(resumed, 2);
    expect([...before, ...after]).toEqual(records);
    expect(Buffer.compare(bytesOf(resumed.state.parameters), bytesOf(whole.state.parameters))).toBe(0);
  });

  it('is there for scripts', async () => {
    const run = pretrain({
      engine,
      data: tinyPictures(8),
      reading: { workers: 0 },
      replicas: 2,
      ...small,
      epochs: 1,
    });
    const losses: number[] = [];
    for await (const { loss } of run) losses.push(loss);
    expect(losses.length).toBe(2);
    expect(losses.every(Number.isFinite)).toBe(true);
  });
});

describe('the number of replicas', () => {
  it('is refused where the batch cannot be split so', async () => {
    const training = await assemble();
    await expect(chooseReplicas(3, training)).rejects.toThrow(/`replicas` \(=3\) must divide the batch \(=4\)/);
    const whole = { ...training.objective.training, collateParts: undefined } as never;
    const unsplittable = { ...training, objective: { ...training.objective, training: whole } };
    await expect(chooseReplicas(2, unsplittable)).rejects.toThrow(/"pretrain" cannot be split/);
    expect(await chooseReplicas('auto', unsplittable)).toBe(1);
    const eager = await createTfjsEngine({ backend: 'cpu' });
    const elsewhere = { ...training, loop: { ...training.loop, engine: eager } };
    await expect(chooseReplicas(2, elsewhere)).rejects.toThrow(/needs the compiled engine/);
    expect(await chooseReplicas('auto', elsewhere)).toBe(1);
    expect(await chooseReplicas(1, elsewhere)).toBe(1);
    await eager.dispose();
    await training.data.close();
  });

  it.each([
    { what: 'two where they are faster', inTwo: [20, 9, 20], expected: 2 },
    { what: 'one where two save less than a twentieth', inTwo: [9.6, 10, 12], expected: 1 },
    { what: 'one where two are slower', inTwo: [11, 12, 13], expected: 1 },
  ])('is for `auto` $what', async ({ inTwo, expected }) => {
    const training = await assemble();
    const clock = clockOf([10, 12, 11], inTwo);
    expect(await chooseReplicas('auto', training, clock)).toBe(expected);
    await training.data.close();
  });

  /** A clock by which the steps of each measurement, after one that is not measured, take these times. */
  function clockOf(...measurements: ReadonlyArray<readonly number[]>): () => number {
    const readings = measurements.flatMap((durations) => [
      0,
      ...durations.flatMap((duration) => [1000, 1000 + duration]),
    ]);
    return () => {
      const reading = readings.shift();
      if (reading === undefined) throw new Error('more steps were timed than there should be');
      return reading;
    };
  }

  it('is measured for `auto`, which changes nothing of the training', async () => {
    const [measured, plain] = [await assemble(), await assemble()];
    const replicas = await chooseReplicas('auto', measured);
    expect(await runAll(measured, replicas)).toEqual(await runAll(plain, replicas));
  });
});

describe('splitBatch', () => {
  it('cuts along the axis of the samples, whichever it is', () => {
    const specOf = (batchSize: number) => ({
      first: { shape: [batchSize, 2], dtype: 'float32' as const },
      last: { shape: [3, batchSize], dtype: 'int32' as const },
      common: { shape: [2], dtype: 'float32' as const },
    });
    const specs = specOf(4);
    const parts = splitBatch(
      {
        first: { ...specs.first, data: Float32Array.of(0, 1, 10, 11, 20, 21, 30, 31) },
        last: { ...specs.last, data: Int32Array.of(0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23) },
        common: { ...specs.common, data: Float32Array.of(5, 6) },
      },
      specOf,
      { batchSize: 4, count: 2 },
    );
    const second = Object.fromEntries(Object.entries(parts[1]!).map(([name, { data }]) => [name, [...data]]));
    expect(second).toEqual({ first: [20, 21, 30, 31], last: [2, 3, 12, 13, 22, 23], common: [5, 6] });
    expect(parts[0]!.last!.shape).toEqual([3, 2]);
    expect([...parts[0]!.last!.data]).toEqual([0, 1, 10, 11, 20, 21]);
  });
});
