import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import { createEngine } from '#core/engine/select.js';
import { createTfjsEngine } from '#core/engine/tfjs.js';
import { checkSettings } from '#core/base/check-settings.js';
import { readingSettings } from '#core/train/settings/data-settings.js';
import { assemblePretraining } from '#core/train/pretraining/assemble.js';
import { pretrain } from '#core/train/pretraining/pretrain.js';
import { pretrainSettings, type PretrainSettingsInput } from '#core/train/settings/pretrain-settings.js';
import { loadTrainingState, saveTrainingState } from '#core/train/run/training-checkpoint.js';
import { type StepRecord, train, type Training } from '#core/train/loop/training.js';
import { TINY_PRETRAINING } from '../../models/tiny-models.js';
import { tinyPictures } from '../../pictures/tiny-pictures.js';

const small = TINY_PRETRAINING satisfies PretrainSettingsInput;
const reading = checkSettings(readingSettings, { workers: 0 });

let engine: Engine;
let folder: string;

beforeAll(async () => {
  engine = await createEngine({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.dispose());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pretraining-'));
});
afterEach(() => rm(folder, { recursive: true }));

function assemble(input: PretrainSettingsInput, count = 10, on: Engine = engine): Promise<Training> {
  const settings = { ...checkSettings(pretrainSettings, input), data: reading };
  return assemblePretraining(settings, { engine: on, pictures: { train: tinyPictures(count) } });
}

async function runAll(training: Training, stopAfter = Infinity): Promise<StepRecord[]> {
  const records: StepRecord[] = [];
  for await (const record of train(training)) {
    records.push(record);
    if (record.step >= stopAfter) break;
  }
  await training.data.close();
  return records;
}

function numbersOf(records: readonly StepRecord[]): unknown[] {
  return records.map(({ imagesPerSecond: _, ...rest }) => rest);
}

function expectSameParameters(actual: ParameterTree, expected: ParameterTree): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, { data }] of expected) {
    expect(Buffer.compare(bytes(actual.get(name)!.data), bytes(data)), name).toBe(0);
  }
}

function bytes(data: Float32Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

describe('pretraining', () => {
  it('gives the same numbers for the same seed, and others for another', async () => {
    const [first, second, other] = [
      await assemble(small),
      await assemble(small),
      await assemble({ ...small, seed: 8 }),
    ];
    const [a, b, c] = [await runAll(first), await runAll(second), await runAll(other)];
    expect(a.length).toBe(6);
    expect(numbersOf(a)).toEqual(numbersOf(b));
    expect(a[0]!.loss).not.toBe(c[0]!.loss);
    expectSameParameters(first.state.parameters, second.state.parameters);
  });

  it.each([
    { stopAfter: 1, at: 'in the middle of the first epoch' },
    { stopAfter: 2, at: 'at the end of an epoch' },
    { stopAfter: 5, at: 'in the middle of the last epoch' },
  ])('resumes exactly from a checkpoint $at', async ({ stopAfter }) => {
    const settings = { ...small, optimizer: { ema: 0.9, clipGrad: 1 } };
    const whole = await assemble(settings);
    const records = await runAll(whole);

    const path = join(folder, 'last.safetensors');
    const begun = await assemble(settings);
    const before = await runAll(begun, stopAfter);
    await saveTrainingState(path, begun.state, {
      objective: 'pretrain',
      seed: 7,
      best: null,
      pendingEpoch: null,
      config: {},
    });
    const resumed = await assemble(settings);
    const metadata = await loadTrainingState(path, resumed.state);
    expect(metadata.progress.step).toBe(stopAfter);
    const after = await runAll(resumed);

    expect(numbersOf([...before, ...after])).toEqual(numbersOf(records));
    expectSameParameters(resumed.state.parameters, whole.state.parameters);
    expectSameParameters(resumed.state.average!, whole.state.average!);
    for (const slot of ['exp_avg', 'exp_avg_sq']) {
      expectSameParameters(resumed.state.optimizer.slots[slot]!, whole.state.optimizer.slots[slot]!);
    }
  });

  it('agrees over 20 steps on the compiled and the eager engine', async () => {
    const eager = await createTfjsEngine({ backend: 'cpu' });
    const settings = { ...small, epochs: 10, optimizer: { lr: 1e-3 } };
    const compiled = await runAll(await assemble(settings));
    const reference = await runAll(await assemble(settings, 10, eager));
    expect(compiled.length).toBe(20);
    compiled.forEach(({ loss }, step) => {
      expect(Math.abs(loss - reference[step]!.loss) / reference[step]!.loss, `step ${step + 1}`).toBeLessThan(1e-4);
    });
    await eager.dispose();
  });

  it('sums left-over batches into a last, shorter step, and updates even where an epoch is shorter than accumIter', async () => {
    // 10 pictures in batches of 2: five batches.
    const uneven = await runAll(await assemble({ ...small, batchSize: 2, accumIter: 2, epochs: 1 }));
    expect(uneven.map(({ step, epochProgress, endsEpoch }) => [step, epochProgress, endsEpoch])).toEqual([
      [1, 0.4, false],
      [2, 0.8, false],
      [3, 1, true],
    ]);
    const short = await runAll(await assemble({ ...small, batchSize: 2, accumIter: 100, epochs: 2 }));
    expect(short.map(({ step }) => step)).toEqual([1, 2]);
  });

  it('accumulates to the gradient of the whole batch', async () => {
    // A mean over two halves is the mean over the whole, if the same pictures are masked in the same way; masks differ
    // between the two runs here, so the comparison is of one batch against itself in two equal halves.
    const once = await assemble({ ...small, epochs: 1, batchSize: 2, optimizer: { lr: 1e-3, warmupEpochs: 0 } }, 2);
    const twice = await assemble(
      { ...small, epochs: 1, batchSize: 2, accumIter: 2, optimizer: { lr: 1e-3, warmupEpochs: 0 } },
      2,
    );
    const { loop, data } = twice;
    const doubled = {
      ...twice,
      loop: { ...loop, random: sameRandom(twice) },
      data: { ...data, train: repeatFirstBatch(twice) },
    };
    const [{ gradNorm }] = (await runAll(once)) as [StepRecord];
    const records: StepRecord[] = [];
    for await (const record of train(doubled)) records.push(record);
    expect(records.length).toBe(1);
    expect(Math.abs(records[0]!.gradNorm - gradNorm) / gradNorm).toBeLessThan(1e-5);
    await data.close();
  });

  it('names step and learning rate when the loss is not finite, and leaves the parameters as they were', async () => {
    const training = await assemble({ ...small, optimizer: { lr: 1e30, warmupEpochs: 0 } });
    const records = train(training);
    let last = [...training.state.parameters].map(([, { data }]) => data.slice());
    await expect(async () => {
      for await (const record of records) {
        expect(Number.isFinite(record.loss)).toBe(true);
        last = [...training.state.parameters].map(([, { data }]) => data.slice());
      }
    }).rejects.toThrow(/step \d+, epoch \d+, learning rate 9\.33e\+29.*optimizer\.blr/);
    [...training.state.parameters].forEach(([name, { data }], index) => {
      expect(Buffer.compare(bytes(data), bytes(last[index]!)), name).toBe(0);
    });
    await training.data.close();
  });

  it('keeps the number of tensors and of sessions flat over 500 steps', async () => {
    const training = await assemble({ ...small, epochs: 250 });
    const counts = new Set<number>();
    let steps = 0;
    for await (const { step } of train(training)) {
      steps = step;
      if (step > 1) counts.add(tf.memory().numTensors);
    }
    expect(steps).toBe(500);
    expect(counts.size).toBe(1);
    await training.data.close();
  });

  it('keeps the number of tensors flat on the eager engine', async () => {
    const eager = await createTfjsEngine({ backend: 'cpu' });
    const training = await assemble({ ...small, epochs: 5 }, 10, eager);
    const counts = new Set<number>();
    for await (const { step } of train(training)) if (step > 1) counts.add(tf.memory().numTensors);
    expect(counts.size).toBe(1);
    await training.data.close();
    await eager.dispose();
  });
});

describe('the pretrain function', () => {
  it('yields steps and then has an encoder without decoder weights', async () => {
    const run = pretrain({ engine, data: tinyPictures(8), reading: { workers: 0 }, ...small, epochs: 1 });
    const losses: number[] = [];
    for await (const { loss } of run) losses.push(loss);
    expect(losses.length).toBe(2);
    expect([...run.encoder.keys()].filter((name) => name.startsWith('decoder') || name === 'mask_token')).toEqual([]);
    expect(run.encoder.has('blocks.1.mlp.fc2.weight')).toBe(true);
  });

  it('refuses a misspelt setting and names the nearest', () => {
    const options = { engine, data: tinyPictures(8), maskratio: 0.5 };
    expect(() => pretrain(options)).toThrow(/`maskratio` is not a setting.*did you mean `maskRatio`/);
  });
});

function repeatFirstBatch({ data }: Training): Training['data']['train'] {
  return {
    batchesPerEpoch: 2,
    async *batches(epoch) {
      for await (const samples of data.train.batches(epoch, 0)) {
        yield samples;
        yield samples;
      }
    },
  };
}

/** The run's stream, but with the masks of batch 0 for every batch. */
function sameRandom({ loop: { random } }: Training): Training['loop']['random'] {
  return { ...random, fork: () => random.fork('batch', 0, 0) };
}

describe('a saved training state', () => {
  it('is one file that holds parameters, moments and counters together', async () => {
    const training = await assemble({ ...small, epochs: 1 });
    await runAll(training);
    const path = join(folder, 'last.safetensors');
    const about = { objective: 'pretrain', seed: 7, best: null, pendingEpoch: null, config: { epochs: 1 } };
    await saveTrainingState(path, training.state, about);
    const header = (await readFile(path)).subarray(8, 4096).toString('utf8');
    expect(header).toContain('maeTasks');
    const { state } = await assemble({ ...small, epochs: 1 });
    const loaded = await loadTrainingState(path, state);
    expect(loaded.config).toEqual({ epochs: 1 });
    expect(state.progress).toEqual(training.state.progress);
    expectSameParameters(state.parameters, training.state.parameters);
  });
});
