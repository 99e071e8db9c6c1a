import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSettings } from '#core/base/check-settings.js';
import { createRandom } from '#core/base/random.js';
import { saveCheckpoint } from '#core/checkpoint/save.js';
import type { Backbone } from '#core/contracts/backbone.js';
import type { Engine } from '#core/contracts/engine.js';
import type { ParameterSpecs } from '#core/contracts/parameters.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import { createEngine } from '#core/engine/select.js';
import { maeSpecs } from '#core/models/mae.js';
import { vitBackbone, vitNormSpecs } from '#core/models/vit.js';
import { initializeParameters } from '#core/nn/params.js';
import { embed, type EmbedOptions } from '#core/train/finetuning/embed.js';
import { resolveFinetuneConfig } from '#core/train/finetuning/resolve-config.js';
import { buildTaskModel } from '#core/train/finetuning/task-model.js';
import { startOfTraining } from '#core/train/loop/progress.js';
import { loadMae } from '#core/train/pretraining/load.js';
import { visualize } from '#core/train/pretraining/visualize.js';
import { saveTrainingState, saveWeights } from '#core/train/run/training-checkpoint.js';
import { resolveModel } from '#core/train/settings/model-settings.js';
import { pretrainConfig } from '#core/train/settings/pretrain-config.js';
import { classifyTask } from '@mae-tasks/plugin-classify';
import { useTemporaryFolders } from '../temporary-folder.js';
import { tinyPictures } from '../pictures/tiny-pictures.js';

const encoder = { imageSize: 16, patchSize: 4, embedDim: 16, depth: 2, numHeads: 2, mlpRatio: 2 };
const pretraining = checkSettings(pretrainConfig, {
  data: { path: 'photos' },
  model: { ...encoder, decoderEmbedDim: 8, decoderDepth: 1, decoderNumHeads: 2 },
});
const data = tinyPictures(3);
const temporaryFolder = useTemporaryFolders();

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.dispose());

/** A checkpoint as a run with `optimizer.ema` saves it, and one of the average alone. */
async function savedWithAverage(specs: ParameterSpecs, about: { objective: string; config: object; facts?: unknown }) {
  const folder = await temporaryFolder();
  const latest = initializeParameters(specs, createRandom(1));
  const other = initializeParameters(specs, createRandom(2));
  // Initial biases are 0 and norms 1, whatever the seed.
  for (const { data: values } of other.values()) values.forEach((value, index) => (values[index] = value + 0.01));
  const trained = Object.keys(specs).filter((name) => specs[name]!.trainable !== false);
  const average: ParameterTree = new Map(trained.map((name) => [name, other.get(name)!]));
  const metadata = { seed: 0, best: null, pendingEpoch: null, ...about, config: { ...about.config } };
  const state = { parameters: latest, optimizer: { slots: {} }, average, progress: startOfTraining };
  const paths = { last: join(folder, 'last.safetensors'), average: join(folder, 'average.safetensors') };
  await saveTrainingState(paths.last, state, metadata);
  await saveWeights(paths.average, new Map([...latest, ...average]), { ...metadata, progress: startOfTraining });
  return { ...paths, latest, expected: new Map([...latest, ...average]) };
}

async function featuresOf(checkpoint: string, options: Partial<EmbedOptions> = {}): Promise<number[][]> {
  const all: number[][] = [];
  for await (const { features } of embed({ engine, checkpoint, data, pooling: 'mean', batchSize: 2, ...options })) {
    all.push([...features]);
  }
  return all;
}

function valuesOf(tree: ParameterTree): Array<[string, number[]]> {
  return [...tree].map(([name, { data: values }]) => [name, [...values]]);
}

describe('a pretraining with a moving average', () => {
  const specs = maeSpecs(resolveModel(pretraining.model), pretraining);
  const about = { objective: 'pretrain', config: pretraining };

  it('is visualised by the average', async () => {
    const saved = await savedWithAverage(specs, about);
    const mae = await loadMae(saved.last);
    expect(valuesOf(mae.parameters)).toEqual(valuesOf(saved.expected));
    const draw = (from: typeof mae) => visualize({ engine, mae: from, data, count: 2, maskRatios: [0.75], seed: 0 });
    const drawn = await draw(mae);
    expect(Buffer.compare(drawn, await draw(await loadMae(saved.average)))).toBe(0);
    expect(Buffer.compare(drawn, await draw({ ...mae, parameters: saved.latest }))).not.toBe(0);
  });

  it('embeds by the average', async () => {
    const saved = await savedWithAverage(specs, about);
    const features = await featuresOf(saved.last);
    expect(features).toHaveLength(3);
    expect(features).toEqual(await featuresOf(saved.average));
    await saveCheckpoint(saved.average, saved.latest);
    expect(features).not.toEqual(await featuresOf(saved.average));
  });
});

describe('embedding by a fine-tuned encoder', () => {
  /** A vision transformer that shows its tokens with the other sign. */
  const negated: Backbone = {
    ...vitBackbone,
    name: 'negated',
    encode: (...args) => tf.neg(vitBackbone.encode(...args)),
  };
  const registry = {
    tasks: new Map([['classify', classifyTask]]),
    backbones: new Map([vitBackbone, negated].map((backbone) => [backbone.name, backbone])),
  };

  async function saved(backbone: string) {
    const config = await resolveFinetuneConfig(classifyTask, {
      data: { path: 'photos', mean: [0.2, 0.3, 0.4], std: [0.5, 0.6, 0.7] },
      model: { ...encoder, backbone },
    });
    const facts = { classNames: ['a', 'b'], counts: [3, 2] };
    const { model } = buildTaskModel(classifyTask, config, facts, registry.backbones);
    return savedWithAverage(model.objective.parameters, { objective: 'classify', config, facts });
  }

  it('uses the backbone of its run', async () => {
    const [plain, other] = [await saved('vit'), await saved('negated')];
    const [first, second] = [await featuresOf(plain.last, { registry }), await featuresOf(other.last, { registry })];
    expect(first.flat().some((value) => Math.abs(value) > 0.1)).toBe(true);
    // norm(−x) = 2 · bias − norm(x); all biases are 0.01.
    const mirrored = first.map((row) => row.map((value) => 0.02 - value));
    second.forEach((row, index) => row.forEach((value, at) => expect(value).toBeCloseTo(mirrored[index]![at]!, 5)));
  });

  it('uses the average, and needs the task that says what the head is', async () => {
    const { last, average, latest } = await saved('vit');
    const features = await featuresOf(last, { registry });
    expect(features).toEqual(await featuresOf(average, { registry }));
    await saveCheckpoint(average, latest);
    expect(features).not.toEqual(await featuresOf(average));
    await expect(featuresOf(last)).rejects.toMatchObject({ code: 'PLUGIN_MISSING' });
  });
});

describe('weights that do not fit', () => {
  const vit = resolveModel(pretraining.model);
  const specs = { ...vitBackbone.parameters(vit), ...vitNormSpecs(vit) };
  const scalar = (name: string) => ({ name, shape: [1], data: Float32Array.of(1) });

  it('are refused by embed with every name, and a classifier’s head is not', async () => {
    const path = join(await temporaryFolder(), 'weights.safetensors');
    const parameters = initializeParameters(specs, createRandom(0));
    await saveCheckpoint(path, new Map([...parameters, ['head.bias', scalar('head.bias')]]));
    expect(await featuresOf(path)).toHaveLength(3);
    const further = ['blocks.0.ls1.gamma', 'reg_token', 'head.bias'];
    await saveCheckpoint(path, new Map([...parameters, ...further.map((name) => [name, scalar(name)] as const)]));
    await expect(featuresOf(path)).rejects.toThrow(
      /not used by the model \(2\):\n {2}blocks\.0\.ls1\.gamma\n {2}reg_token/,
    );
    await saveCheckpoint(path, new Map([...parameters].filter(([name]) => name !== 'norm.bias')));
    await expect(featuresOf(path)).rejects.toThrow(/missing in the checkpoint \(1\):\n {2}norm\.bias/);
  });

  it('are refused by visualize with every name', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'weights.safetensors');
    const parameters = initializeParameters(maeSpecs(vit, pretraining), createRandom(0));
    await saveCheckpoint(path, new Map([...parameters, ['extra', scalar('extra')], ['other', scalar('other')]]));
    await expect(loadMae(path)).rejects.toThrow(/not used by the model \(2\):\n {2}extra\n {2}other/);
  });

  it('of a fine-tuning have no decoder to visualise', async () => {
    const path = join(await temporaryFolder(), 'weights.safetensors');
    await saveWeights(path, initializeParameters(specs, createRandom(0)), {
      objective: 'classify',
      seed: 0,
      best: null,
      pendingEpoch: null,
      progress: startOfTraining,
      config: {},
    });
    await expect(loadMae(path)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining('a run of `finetune classify`, which has no decoder') as string,
    });
  });
});
