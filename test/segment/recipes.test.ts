import { describe, expect, it } from 'vitest';
import type { DataMeasures } from '#core/contracts/dataset.js';
import { resolveFinetuneConfig } from '#core/train/finetuning/resolve-config.js';
import { segmentTask } from '@mae-tasks/plugin-segment';

function resolved(data: DataMeasures | undefined, given: Readonly<Record<string, unknown>> = {}) {
  return resolveFinetuneConfig(segmentTask, { data: { path: 'photos' }, ...given }, undefined, {
    ...(data === undefined ? {} : { measure: () => Promise.resolve(data) }),
  });
}

const nuclei: DataMeasures = { pictures: 400, width: 256, height: 256, objectSide: 9 };

describe('the recipes of segmentation', () => {
  it('scale pictures down as far as small regions allow', async () => {
    const ofNuclei = await resolved(nuclei);
    expect(ofNuclei.model).toMatchObject({ imageSize: [256, 256], patchSize: 16 });
    expect(ofNuclei.segment).toMatchObject({
      deconv: { channels: [96, 48], detail: 32 },
      augmentation: { shorter: 256 },
      loss: { dice: 1 },
    });
    const ofStreets = await resolved({ pictures: 400, width: 2048, height: 1024, objectSide: 80 });
    expect(ofStreets.segment).toMatchObject({ augmentation: { shorter: 307 } });
  });

  it('have fewer stages for smaller patches', async () => {
    const { segment } = await resolved(nuclei, { model: { patchSize: 8 } });
    expect(segment).toMatchObject({ deconv: { channels: [96] } });
  });

  it('are the published rates for large models, much data and other decoders', async () => {
    expect((await resolved(nuclei)).recipe).toBe('small-data');
    expect((await resolved(nuclei, { model: { preset: 'base' } })).recipe).toBe('deconv');
    expect((await resolved({ ...nuclei, pictures: 20_000 })).recipe).toBe('deconv');
    expect((await resolved(nuclei, { segment: { decoder: 'upernet' } })).recipe).toBe('deconv');
    expect((await resolved(nuclei, { recipe: 'official' })).recipe).toBe('ade20k-base');
  });
});
