import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { createSamplePool, SamplePool } from '#core/data/loading/sample-pool.js';
import { checkSettings } from '#core/base/check-settings.js';
import type { Engine } from '#core/contracts/engine.js';
import { createEngine } from '#core/engine/select.js';
import { vitBackbone } from '#core/models/vit.js';
import { assembleFinetuning } from '#core/train/finetuning/assemble.js';
import { resolveFinetuneConfig } from '#core/train/finetuning/resolve-config.js';
import { assemblePretraining } from '#core/train/pretraining/assemble.js';
import { pretrainConfig } from '#core/train/settings/pretrain-config.js';
import { classifyTask } from '@mae-tasks/plugin-classify';
import { labelledPictures } from '../../pictures/labelled-pictures.js';

/** Pools of worker threads that were made and not closed. */
const open = new Set<SamplePool>();

vi.mock('#core/data/loading/sample-pool.js', async (importOriginal) => {
  const original = await importOriginal<{ createSamplePool: typeof createSamplePool }>();
  return {
    ...original,
    async createSamplePool(...args: Parameters<typeof createSamplePool>) {
      const pool = await original.createSamplePool(...args);
      const watched: SamplePool = {
        ...pool,
        async close() {
          open.delete(watched);
          await pool.close();
        },
      };
      open.add(watched);
      return watched;
    },
  };
});

const classNames = ['across', 'down'];
const pictures = {
  train: labelledPictures({ count: 8, classNames }),
  heldOut: labelledPictures({ count: 4, classNames }),
};
const model = { imageSize: 32, patchSize: 8, embedDim: 16, depth: 1, numHeads: 2, mlpRatio: 2 };
const data = { path: 'photos', workers: 0 };

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.dispose());
beforeEach(() => {
  open.clear();
});

describe('the threads that decode pictures', () => {
  it('are there for training and for the held-out pictures, and not any more for drawn ones', async () => {
    const settings = { model: { ...model, decoderEmbedDim: 8, decoderDepth: 1, decoderNumHeads: 2 }, batchSize: 4 };
    const config = checkSettings(pretrainConfig, { ...settings, data });
    const training = await assemblePretraining(config, { engine, pictures });
    expect(open.size).toBe(2);
    expect(await training.data.drawnSamples(3)).toHaveLength(3);
    expect(open.size).toBe(2);
    await training.data.close();
    expect(open.size).toBe(0);
  });

  it('are gone once a frozen encoder has seen all pictures', async () => {
    const given = { data, model, mode: 'linear-probe', recipe: 'linear-probe-cached' };
    const config = await resolveFinetuneConfig(classifyTask, given);
    const facts = await classifyTask.examine(pictures.train, config.classify as never);
    const backbones = new Map([[vitBackbone.name, vitBackbone]]);
    const training = await assembleFinetuning(classifyTask, config, facts, { engine, pictures, backbones });
    expect(training.built.model.frozenEncoder).toBeDefined();
    expect(open.size).toBe(0);
    expect(await training.data.drawnSamples(3)).toHaveLength(3);
    expect(open.size).toBe(0);
  });
});
