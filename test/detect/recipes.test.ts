import { describe, expect, it } from 'vitest';
import type { DataMeasures } from '#core/contracts/dataset.js';
import type { RecipeContext } from '#core/contracts/task.js';
import { vitBackbone } from '#core/models/vit.js';
import { resolveFinetuneConfig } from '#core/train/finetuning/resolve-config.js';
import { type DetectSettings, detectSettings, detectTask } from '@mae-tasks/plugin-detect';
import { TINY_VIT } from '../models/tiny-models.js';

function contextOf(head: DetectSettings['head'], embedDim: number): RecipeContext<DetectSettings> {
  const settings = detectSettings.parse({ head });
  const vit = { ...TINY_VIT, embedDim };
  return { mode: 'full', vit, fixed: {}, pretrained: undefined, settings, data: undefined };
}

function resolved(data: DataMeasures | undefined, given: Readonly<Record<string, unknown>> = {}) {
  return resolveFinetuneConfig(detectTask, { data: { path: 'photos' }, ...given }, undefined, {
    ...(data === undefined ? {} : { measure: () => Promise.resolve(data) }),
  });
}

const MODEL = { backbone: vitBackbone, dropPath: 0, statistics: { mean: [0, 0, 0], std: [1, 1, 1] } };
const cells: DataMeasures = { pictures: 205, width: 640, height: 480, objectSide: 94 };
const nuclei: DataMeasures = { pictures: 400, width: 256, height: 256, objectSide: 9 };

describe('the recipes of detection', () => {
  it('are the published ones from ViT-B on; below it one stage, or two that are narrower', () => {
    expect(detectTask.defaultRecipe!(contextOf(null, 768))).toBe('vitdet-b');
    expect(detectTask.defaultRecipe!(contextOf('two-stage', 1280))).toBe('vitdet-h');
    expect(detectTask.defaultRecipe!(contextOf(null, 192))).toBe('one-stage');
    expect(detectTask.defaultRecipe!(contextOf('two-stage', 192))).toBe('small');
    expect(detectTask.defaultRecipe!(contextOf('one-stage', 768))).toBe('one-stage');
    expect([192, 1024, 1280].map((width) => detectTask.officialRecipe!(contextOf(null, width)))).toEqual([
      'vitdet-b',
      'vitdet-l',
      'vitdet-h',
    ]);
  });

  it('go by the head that a checkpoint is of', () => {
    const from = (name: string) => detectTask.defaultRecipe!({ ...contextOf(null, 192), pretrained: [name] });
    expect(from('proposal_generator.rpn_head.conv.weight')).toBe('small');
    expect(from('bbox_head.cls.0.weight')).toBe('one-stage');
    expect(from('blocks.0.attn.qkv.weight')).toBe('one-stage');
  });

  it('go by settings that only one head has, which the other refuses', async () => {
    expect((await resolved(cells, { detect: { cascade: true } })).recipe).toBe('small');
    expect((await resolved(cells, { detect: { neck: 'fpn' } })).detect).toMatchObject({ head: 'two-stage' });
    const context = { ...contextOf('one-stage', 192), facts: { classNames: ['a'], categoryIds: [1] } };
    const settings = detectSettings.parse({ head: 'one-stage', cascade: true });
    expect(() => detectTask.createModel({ ...MODEL, ...context, settings })).toThrow(
      /`detect.cascade` is of two stages/u,
    );
  });

  it('say which head they are of', async () => {
    expect((await resolved(undefined)).detect).toMatchObject({ head: 'one-stage' });
    expect((await resolved(undefined, { recipe: 'official' })).detect).toMatchObject({ head: 'two-stage' });
    expect((await resolved(undefined, { detect: { head: 'two-stage' } })).recipe).toBe('small');
  });

  it('scale pictures with large objects down, and keep those with small ones, with finer levels', async () => {
    const ofCells = await resolved(cells);
    expect(ofCells.model).toMatchObject({ imageSize: [160, 160], patchSize: 16, depth: 4 });
    expect(ofCells.detect).toMatchObject({ oneStage: { strides: [8, 16, 32] } });
    const ofNuclei = await resolved(nuclei);
    expect(ofNuclei.model).toMatchObject({ imageSize: [256, 256] });
    expect(ofNuclei.detect).toMatchObject({ oneStage: { strides: [4, 8, 16] } });
  });

  it('leave dimensions that are set as they are', async () => {
    const config = await resolved(cells, { model: { preset: 'tiny', imageSize: 224 } });
    expect(config.model).toMatchObject({ imageSize: [224, 224], depth: 12 });
    const odd = await resolved(cells, { model: { patchSize: 12 } });
    expect(odd.model).toMatchObject({ imageSize: [168, 168], patchSize: 12 });
    expect(odd.detect).toMatchObject({ oneStage: { strides: [6, 12, 24] } });
    const size = await resolved(cells, { model: { imageSize: 240 } });
    expect(size.detect).toMatchObject({ oneStage: { strides: [8, 16] } });
    const patches = await resolved(nuclei, { model: { patchSize: 8 } });
    expect(patches.model).toMatchObject({ patchSize: 8 });
  });
});
