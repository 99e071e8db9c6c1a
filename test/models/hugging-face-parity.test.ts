import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCheckpoint } from '#core/checkpoint/load.js';
import { mergeCheckpoint } from '#core/checkpoint/merge.js';
import type { Engine } from '#core/contracts/engine.js';
import { createMaeBatch, maeBatchSpec } from '#core/models/mae-batch.js';
import { defaultMaskOptions, type MaeConfig, type MaskOptions } from '#core/models/mae-config.js';
import { maeLoss, maeReconstruction, maeSpecs } from '#core/models/mae.js';
import { shuffleByNoise } from '#core/models/masking.js';
import { allocateOnHeap, shapesOf } from '#core/nn/params.js';
import { fixturePath } from '../fixture-path.js';
import { chosenEngines } from './chosen-engines.js';
import { expectClose, readReference, swapFirstAxes, toChannelsLast } from './reference.js';

const FORWARD = 1e-5;
const batchSize = 2;
const numPatches = 16;

/** The tiny model of `test/fixtures/hugging-face`. */
const config: MaeConfig = {
  imageSize: [32, 32],
  patchSize: 8,
  inChannels: 3,
  embedDim: 32,
  depth: 2,
  numHeads: 4,
  mlpRatio: 2,
  decoderEmbedDim: 16,
  decoderDepth: 2,
  decoderNumHeads: 2,
};

describe.each(chosenEngines())("Hugging Face's ViTMAEForPreTraining, %s", (_, start) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.dispose());

  it.each([
    ['mae-4.57.6', 'mae-4.57.6-outputs'],
    ['mae-5.23.0', 'mae-5.23.0-outputs'],
    ['mae-5.23.0-state', 'mae-5.23.0-outputs'],
  ])('computes the same tokens, prediction and losses with %s', async (weights, outputs) => {
    const parameters = allocateOnHeap(shapesOf(maeSpecs(config, defaultMaskOptions)));
    const path = fixturePath(`hugging-face/${weights}.safetensors`);
    const report = mergeCheckpoint(parameters, (await loadCheckpoint(path)).tensors, { path });
    expect(report.loaded).toHaveLength(parameters.size);

    const reference = await readReference(`hugging-face/${outputs}.safetensors`);
    const noise = reference.float32('noise');
    const orders = Array.from({ length: batchSize }, (_, picture) =>
      shuffleByNoise(noise.subarray(picture * numPatches, (picture + 1) * numPatches)),
    );
    const images = toChannelsLast(reference.float32('pixel_values'), reference.shape('pixel_values'));
    const batch = createMaeBatch(config, defaultMaskOptions, images, orders);
    const spec = {
      parameters: shapesOf(maeSpecs(config, defaultMaskOptions)),
      batch: maeBatchSpec(config, defaultMaskOptions, batchSize),
    };

    const forward = await engine.compile({
      name: 'forward',
      fn: maeReconstruction(config, defaultMaskOptions),
      ...spec,
    });
    const { latent, prediction } = await forward.run(parameters, batch);
    const expected = (name: string): Float32Array => swapFirstAxes(reference.float32(name), reference.shape(name));
    expectClose(latent!.data, expected('last_hidden_state'), FORWARD, 'last_hidden_state');
    expectClose(prediction!.data, expected('logits'), FORWARD, 'logits');

    for (const [name, normPixLoss] of [
      ['loss', false],
      ['norm_pix_loss', true],
    ] as const) {
      const options: MaskOptions = { ...defaultMaskOptions, normPixLoss };
      const program = await engine.compile({ name, fn: maeLoss(config, options), ...spec });
      const { loss } = await program.run(parameters, batch);
      expectClose(loss!.data, reference.float32(name), FORWARD, name);
    }
  });
});
