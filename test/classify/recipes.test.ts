import { describe, expect, it } from 'vitest';
import { resolveFinetuneConfig } from '#core/train/finetuning/resolve-config.js';
import { assembleFinetuning } from '#core/train/finetuning/assemble.js';
import { createEngine } from '#core/engine/select.js';
import { vitBackbone } from '#core/models/vit.js';
import type { DataMeasures } from '#core/contracts/dataset.js';
import type { RecipeContext } from '#core/contracts/task.js';
import { type ClassifySettings, classifySettings } from '../../packages/plugin-classify/src/settings.js';
import { classifyTask } from '../../packages/plugin-classify/src/task.js';
import { TINY_VIT } from '../models/tiny-models.js';
import { labelledPictures } from '../pictures/labelled-pictures.js';

const PROBED = ['linear-probe-base', 'linear-probe-large', 'linear-probe-huge'];

async function resolved(recipe: string, more: Readonly<Record<string, unknown>> = {}) {
  return resolveFinetuneConfig(classifyTask, { data: { path: 'photos' }, recipe, ...more });
}

type Context = RecipeContext<ClassifySettings>;

function contextOf(more: Partial<Context> = {}): Context {
  const settings = classifySettings.parse({});
  return { mode: 'full', vit: TINY_VIT, fixed: {}, pretrained: undefined, settings, data: undefined, ...more };
}

function measures(pictures: number, side = 128): DataMeasures {
  return { pictures, width: side, height: side, objectSide: undefined };
}

/** FINETUNE.md's three commands: --epochs, --blr, --layer_decay, --drop_path; the rest is the same for all. */
describe('the recipes of FINETUNE.md', () => {
  it.each([
    ['base', 100, 5e-4, 0.65, 0.1],
    ['large', 50, 1e-3, 0.75, 0.2],
    ['huge', 50, 1e-3, 0.75, 0.3],
  ])('%s: %i epochs, base learning rate %f, layer decay %f, drop path %f', async (name, ...numbers) => {
    const config = await resolved(name);
    const { epochs, dropPath, mode, optimizer } = config;
    expect([epochs, optimizer.blr, optimizer.layerDecay, dropPath]).toEqual(numbers);
    expect(mode).toBe('full');
    // torch.optim.AdamW's defaults, main_finetune.py's --min_lr and --weight_decay, no --clip_grad.
    expect(optimizer).toMatchObject({ name: 'adamw', weightDecay: 0.05, betas: [0.9, 0.999], eps: 1e-8, minLr: 1e-6 });
    expect(optimizer).toMatchObject({ clipGrad: null, ema: null, schedule: 'cosine' });
    expect(config.classify).toMatchObject({
      pool: 'mean',
      mixup: 0.8,
      cutmix: 1,
      mixProbability: 1,
      switchProbability: 0.5,
      labelSmoothing: 0.1,
      augmentation: {
        cropScale: [0.08, 1],
        cropRatio: [3 / 4, 4 / 3],
        flip: 0.5,
        randAugment: 'rand-m9-mstd0.5-inc1',
        randomErasing: 0.25,
      },
    });
  });

  it.each([
    ['linear-probe-base', 90],
    ['linear-probe-large', 50],
    ['linear-probe-huge', 50],
  ])('%s: %i epochs of LARS on the class token', async (name, epochs) => {
    const config = await resolved(name);
    expect(config).toMatchObject({ mode: 'linear-probe', epochs, dropPath: 0 });
    expect(config.optimizer).toMatchObject({ name: 'lars', blr: 0.1, weightDecay: 0, momentum: 0.9, minLr: 0 });
    expect(config.classify).toMatchObject({
      pool: 'class-token',
      mixup: 0,
      cutmix: 0,
      labelSmoothing: 0,
      augmentation: { cropScale: [0.08, 1], flip: 0.5, randAugment: null, randomErasing: 0 },
    });
  });

  it('are told apart by the size of the encoder', () => {
    const contexts = [192, 768, 1024, 1280].map((embedDim) => contextOf({ vit: { ...TINY_VIT, embedDim } }));
    expect(contexts.map((context) => classifyTask.officialRecipe!(context))).toEqual(['base', 'base', 'large', 'huge']);
    const probes = contexts.map((context) => classifyTask.officialRecipe!({ ...context, mode: 'linear-probe' }));
    expect(probes[2]).toBe('linear-probe-large');
  });

  it('are the start for large models and much data alone', () => {
    const nameFor = (more: Partial<Context>) => classifyTask.defaultRecipe!(contextOf(more));
    expect(nameFor({})).toBe('small-data');
    expect(nameFor({ data: measures(60_000) })).toBe('base');
    expect(nameFor({ vit: { ...TINY_VIT, embedDim: 1024 }, data: measures(300) })).toBe('large');
    expect(nameFor({ mode: 'linear-probe' })).toBe('linear-probe-cached');
  });

  it('are what --recipe official names', async () => {
    expect((await resolved('official')).recipe).toBe('base');
    await expect(resolved('offical')).rejects.toThrow(/did you mean "official"/u);
  });

  it('give way to what is set beside them', async () => {
    const config = await resolved('large', { epochs: 3, classify: { mixup: 0 } });
    expect(config).toMatchObject({ epochs: 3, dropPath: 0.2, classify: { mixup: 0, cutmix: 1 } });
  });

  it('say where they come from', () => {
    for (const name of ['base', ...PROBED]) expect(classifyTask.recipes![name]!.source).toMatch(/FINETUNE\.md/u);
  });
});

/** --warmup_epochs: 5 in main_finetune.py, 10 in main_linprobe.py; shorter runs warm up for less. */
describe('the warm-up', () => {
  it.each([
    ['base', 100, 5],
    ['large', 50, 5],
    ['large', 10, 1],
    ['linear-probe-base', 90, 10],
    ['linear-probe-huge', 50, 10],
    ['linear-probe-huge', 10, 2],
  ])('of %s in %i epochs takes %f', async (recipe, epochs, warmupEpochs) => {
    const engine = await createEngine({ device: 'cpu' });
    const given = { data: { path: 'photos', workers: 0 }, epochs, model: { ...TINY_VIT, imageSize: [16, 16] } };
    const config = await resolved(recipe, given);
    const train = labelledPictures({ count: 6, classNames: ['a', 'b'] });
    const backbones = new Map([[vitBackbone.name, vitBackbone]]);
    const facts = { classNames: ['a', 'b'], counts: [3, 3] };
    const input = { engine, pictures: { train }, backbones };
    const { loop, data } = await assembleFinetuning(classifyTask, config, facts, input);
    expect(loop.schedule).toMatchObject({ warmupEpochs, epochs });
    await data.close();
    await engine.dispose();
  });
});

describe('the recipe for few pictures', () => {
  const fitted = (data: DataMeasures | undefined, given: Readonly<Record<string, unknown>> = {}) =>
    resolveFinetuneConfig(classifyTask, { data: { path: 'photos' }, ...given }, undefined, {
      ...(data === undefined ? {} : { measure: () => Promise.resolve(data) }),
    });

  it('takes smaller patches of smaller pictures, and pictures no larger than they are', async () => {
    expect((await fitted(measures(500, 28))).model).toMatchObject({ imageSize: [32, 32], patchSize: 4 });
    expect((await fitted(measures(500, 64))).model).toMatchObject({ imageSize: [64, 64], patchSize: 8 });
    expect((await fitted(measures(500, 128))).model).toMatchObject({ imageSize: [128, 128], patchSize: 16 });
    expect((await fitted(measures(500, 1080))).model).toMatchObject({ imageSize: [160, 160], patchSize: 16 });
  });

  it('leaves what is set as it is', async () => {
    const config = await fitted(measures(500), { model: { imageSize: 96, patchSize: 12 }, optimizer: { lr: 2e-4 } });
    expect(config.model).toMatchObject({ imageSize: [96, 96], patchSize: 12 });
    expect(config.optimizer).toMatchObject({ lr: 2e-4, layerDecay: 1 });
  });

  it('is told with what it was fitted to', async () => {
    let told = '';
    await resolveFinetuneConfig(classifyTask, { data: { path: 'photos' } }, undefined, {
      measure: () => Promise.resolve(measures(500, 28)),
      reportRecipe: ({ name, because }) => {
        told = `${name}: ${because}`;
      },
    });
    expect(told).toMatch(/^small-data: 6 blocks from random weights, pictures of 32 px in patches of 4/u);
  });
});
