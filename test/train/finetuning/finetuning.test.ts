import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import { splitFold } from '#core/data/readers/split.js';
import { createEngine } from '#core/engine/select.js';
import { createRandom } from '#core/base/random.js';
import { vitBackbone } from '#core/models/vit.js';
import { resolveFinetuneConfig } from '#core/train/finetuning/resolve-config.js';
import { freezeEncoder } from '#core/train/finetuning/freeze.js';
import { overlaySettings } from '#core/train/settings/overlay-settings.js';
import { assembleFinetuning, type Finetuning } from '#core/train/finetuning/assemble.js';
import { train } from '#core/train/loop/training.js';
import { saveTrainingState } from '#core/train/run/training-checkpoint.js';
import { classifyTask } from '@mae-tasks/plugin-classify';
import { labelledPictures } from '../../pictures/labelled-pictures.js';

const classNames = ['across', 'down', 'both'];
const data = labelledPictures({ count: 18, classNames });
const heldOut = labelledPictures({ count: 7, classNames });
const tiny = { imageSize: 32, patchSize: 8, embedDim: 16, depth: 2, numHeads: 2, mlpRatio: 2 };
const backbones = new Map([['vit', vitBackbone]]);

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await createEngine({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'mae-tasks-finetune-'));
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

const pictures = { train: data, heldOut };

async function assemble(given: Readonly<Record<string, unknown>>, resumeFrom?: string): Promise<Finetuning> {
  const config = await resolveFinetuneConfig(classifyTask, {
    data: { path: 'pictures', workers: 0 },
    model: tiny,
    epochs: 2,
    batchSize: 6,
    ...given,
  });
  const facts = await classifyTask.examine(data, config.classify as never);
  return assembleFinetuning(classifyTask, config, facts, { engine, pictures, backbones, resumeFrom });
}

async function runAll(finetuning: Finetuning, steps = Infinity): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss } of train(finetuning)) {
    losses.push(loss);
    if (losses.length >= steps) break;
  }
  return losses;
}

function changed(before: ParameterTree, after: ParameterTree): string[] {
  return [...after.keys()].filter((name) => {
    const old = before.get(name)!.data;
    return after.get(name)!.data.some((value, index) => value !== old[index]);
  });
}

function copyOf(tree: ParameterTree): ParameterTree {
  return new Map([...tree].map(([name, parameter]) => [name, { ...parameter, data: parameter.data.slice() }]));
}

describe('what a mode changes', () => {
  it.each([
    ['full', {}, (name: string) => !name.includes('running')],
    ['partial', { blocks: 1 }, (name: string) => /^(?:blocks\.1|fc_norm|head)\./.test(name)],
    ['partial', { blocks: 0 }, (name: string) => /^(?:fc_norm|head)\./.test(name)],
    ['partial', { blocks: 0.5 }, (name: string) => /^(?:blocks\.1\.(?:mlp|norm2)|fc_norm|head)\./.test(name)],
    ['linear-probe', {}, (name: string) => name.startsWith('head.')],
  ])('%s %o', async (mode, extra, expected) => {
    const finetuning = await assemble({ mode, ...extra });
    const { parameters } = finetuning.state;
    const before = copyOf(parameters);
    // The first step's rate is 0, by the warm-up.
    await runAll(finetuning, 3);
    expect(changed(before, parameters)).toEqual([...parameters.keys()].filter(expected));
    await finetuning.data.close();
  });

  it('names the frozen parameters of a backbone only', () => {
    const specs = vitBackbone.parameters({ ...tiny, imageSize: [32, 32], inChannels: 3 });
    const vit = { ...tiny, imageSize: [32, 32], inChannels: 3 } as const;
    const frozen = freezeEncoder(
      { ...specs, 'head.weight': specs.cls_token! },
      {
        mode: 'partial',
        blocks: 7,
        vit,
        backbone: vitBackbone,
      },
    );
    expect(Object.values(frozen).every(({ trainable }) => trainable !== false)).toBe(true);
  });
});

describe('linear probing on cached features', () => {
  it('gives what encoding every picture at every step gives', async () => {
    const settings = { mode: 'linear-probe', epochs: 3 };
    const cached = await assemble(settings);
    expect(cached.built.model.frozenEncoder).toBeDefined();
    // Mixing switches the cache off; with probability 0 it changes nothing else.
    const whole = await assemble({ ...settings, classify: { mixup: 1, mixProbability: 0 } });
    expect(whole.built.model.frozenEncoder).toBeUndefined();
    const [cachedLosses, wholeLosses] = [await runAll(cached), await runAll(whole)];
    expect(cachedLosses).toHaveLength(9);
    cachedLosses.forEach((loss, step) => expect(loss).toBeCloseTo(wholeLosses[step]!, 5));
    for (const [name, { data: values }] of cached.state.parameters) {
      const other = whole.state.parameters.get(name)!.data;
      values.forEach((value, index) => expect(Math.abs(value - other[index]!), name).toBeLessThan(1e-4));
    }
    await cached.data.close();
    await whole.data.close();
  });
});

describe('resuming a fine-tuning', () => {
  it.each([
    ['all of its augmentation', { dropPath: 0.2, optimizer: { ema: 0.9, clipGrad: 1 } }],
    ['gradients of several batches', { accumIter: 2 }],
    ['linear probing with batch statistics', { mode: 'linear-probe', recipe: 'linear-probe-base' }],
  ])('equals never having stopped, bit for bit: %s', async (_, given) => {
    const through = await assemble(given);
    const losses = await runAll(through);
    const first = await assemble(given);
    const before = await runAll(first, Math.floor(losses.length / 2));
    const path = join(folder, 'state.safetensors');
    await saveTrainingState(path, first.state, {
      objective: 'classify',
      seed: 0,
      best: null,
      pendingEpoch: null,
      config: {},
    });
    const second = await assemble(given, path);
    const after = await runAll(second);
    expect([...before, ...after]).toEqual(losses);
    expect(changed(through.state.parameters, second.state.parameters)).toEqual([]);
    for (const each of [through, first, second]) await each.data.close();
  });

  it('encodes the pictures of a linear probe by the encoder of the run, not by a new one', async () => {
    const given = { mode: 'linear-probe', epochs: 4 };
    const begun = await assemble(given);
    // Another encoder than the initial one, as a pretrained one is.
    for (const [name, { data: values }] of begun.state.parameters) {
      if (name.startsWith('blocks.')) values.forEach((value, index) => (values[index] = 2 * value));
    }
    const path = join(folder, 'probe.safetensors');
    const about = { objective: 'classify', seed: 0, best: null, pendingEpoch: null, config: {} };
    await saveTrainingState(path, begun.state, about);
    const resumed = await assemble(given, path);
    // Mixing with probability 0 encodes every picture at every step.
    const whole = await assemble({ ...given, classify: { mixup: 1, mixProbability: 0 } }, path);
    expect(resumed.built.model.frozenEncoder).toBeDefined();
    const [losses, expected] = [await runAll(resumed), await runAll(whole)];
    losses.forEach((loss, step) => expect(loss).toBeCloseTo(expected[step]!, 5));
    expect(losses[0]).not.toBeCloseTo((await runAll(await assemble(given)))[0]!, 3);
    for (const each of [begun, resumed, whole]) await each.data.close();
  });
});

describe('settings of a fine-tuning', () => {
  it('start from the recipe, replaced by what is given', async () => {
    const config = await resolveFinetuneConfig(classifyTask, {
      data: { path: 'p' },
      recipe: 'large',
      epochs: 7,
      classify: { mixup: 0 },
    });
    expect(config).toMatchObject({ recipe: 'large', epochs: 7, dropPath: 0.2 });
    expect(config.optimizer).toMatchObject({ blr: 1e-3, layerDecay: 0.75 });
    expect(config.classify).toMatchObject({ mixup: 0, cutmix: 1, labelSmoothing: 0.1 });
    expect(config.model).toMatchObject({ embedDim: 192, depth: 12, imageSize: [224, 224] });
  });

  it.each([
    [{ recipe: 'larg' }, 'the task "classify" has no recipe "larg" — did you mean "large"?'],
    [{ mode: 'half' }, '`mode` (="half") is not valid'],
    [{ classify: { mixxup: 1 } }, '`classify.mixxup` is not a setting — did you mean `classify.mixup`?'],
    [{ blocks: 0.3 }, '`blocks` (=0.3) is not valid'],
    [{ optimizer: { layerDecay: 0 } }, '`optimizer.layerDecay` (=0) is not valid'],
  ])('are checked: %o', async (given, message) => {
    await expect(resolveFinetuneConfig(classifyTask, { data: { path: 'p' }, ...given })).rejects.toThrow(message);
  });

  it('refuses a RandAugment string that it does not understand', async () => {
    const classify = { augmentation: { randAugment: 'rand-m99' } };
    await expect(assemble({ classify })).rejects.toThrow('`classify.augmentation.randAugment`: "m99" in "rand-m99"');
  });

  it('are laid over others without touching prototypes', () => {
    const above = JSON.parse('{"a": {"__proto__": {"x": 1}, "c": 3}}') as Record<string, unknown>;
    const merged = overlaySettings({ a: { b: 2 }, d: [1, 2] }, above) as { a: Record<string, unknown>; d: unknown };
    expect(merged.a).toMatchObject({ b: 2, c: 3 });
    expect(merged.d).toEqual([1, 2]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

describe('the pictures that a run draws', () => {
  it('come from all over the held-out data', async () => {
    const finetuning = await assemble({});
    const ids = (await finetuning.data.drawnSamples(3)).map(({ id }) => id);
    expect(ids).toEqual(['picture-0', 'picture-2', 'picture-4']);
    expect(await finetuning.data.drawnSamples(100)).toHaveLength(7);
    await finetuning.data.close();
  });
});

describe('folds', () => {
  it('hold every item out exactly once', () => {
    const seen: string[] = [];
    for (let fold = 0; fold < 4; fold++) {
      const { train: rest, heldOut: part } = splitFold(data, 4, fold, createRandom(3));
      const names = Array.from({ length: part.size }, (_, index) => part.item(index).id);
      const others = Array.from({ length: rest.size }, (_, index) => rest.item(index).id);
      expect(others.filter((name) => names.includes(name))).toEqual([]);
      expect(rest.size + part.size).toBe(18);
      seen.push(...names);
    }
    expect(seen.sort()).toEqual(Array.from({ length: 18 }, (_, index) => data.item(index).id).sort());
    expect(() => splitFold(data, 4, 4, createRandom(0))).toThrow('`data.fold` (=4) of `data.folds` (=4)');
  });
});
