import { describe, expect, it } from 'vitest';
import type { DataMeasures } from '#core/contracts/dataset.js';
import { resolvePretrainConfig } from '#core/train/pretraining/resolve-config.js';

function resolved(data: DataMeasures | undefined, given: Readonly<Record<string, unknown>> = {}) {
  return resolvePretrainConfig({ data: { path: 'photos' }, ...given }, undefined, {
    ...(data === undefined ? {} : { measure: () => Promise.resolve(data) }),
  });
}

const few: DataMeasures = { pictures: 205, width: 640, height: 480, objectSide: undefined };

describe('the recipes of pretraining', () => {
  it('have small batches and a shallow decoder for few pictures', async () => {
    const config = await resolved(few);
    expect(config).toMatchObject({ recipe: 'small-data', batchSize: 8, normPixLoss: false, attentionInit: 'tied' });
    expect(config.model).toMatchObject({ depth: 4, decoderDepth: 1, imageSize: 160 });
    expect((await resolved({ ...few, width: 96, height: 90 })).model).toMatchObject({ imageSize: 80 });
  });

  it('give way to a base rate, and take crops that patches divide', async () => {
    const config = await resolved(few, { optimizer: { blr: 3e-4 }, model: { patchSize: 12 } });
    expect(config.optimizer).toMatchObject({ lr: null, blr: 3e-4 });
    expect(config.model.imageSize).toBe(156);
    expect((await resolved(few, { optimizer: { blr: 3e-4, lr: 2e-3 } })).optimizer.lr).toBe(2e-3);
  });

  it('leave what is set as it is', async () => {
    const config = await resolved(few, { model: 'tiny', batchSize: 64, normPixLoss: true });
    expect(config).toMatchObject({ batchSize: 64, normPixLoss: true, model: { preset: 'tiny', imageSize: 160 } });
    expect(config.model.depth).toBeUndefined();
    expect((await resolved(few, { model: { imageSize: 64, patchSize: 8 } })).model).toMatchObject({
      imageSize: 64,
      patchSize: 8,
    });
  });

  it('are the paper’s for much data, for its models, and by name', async () => {
    for (const config of [
      await resolved({ ...few, pictures: 200_000 }),
      await resolved(few, { model: 'base' }),
      await resolved(few, { recipe: 'official' }),
    ]) {
      expect(config).toMatchObject({ recipe: 'official', epochs: 800, normPixLoss: true, attentionInit: 'xavier' });
      expect(config.optimizer).toMatchObject({ lr: null, blr: 1.5e-4, weightDecay: 0.05 });
    }
    await expect(resolved(few, { recipe: 'smal-data' })).rejects.toThrow(/did you mean "small-data"/u);
  });
});
