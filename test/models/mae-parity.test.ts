import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import type { Batch, ParameterTree } from '#core/contracts/tensor.js';
import { createMaeBatch, maeBatchSpec } from '#core/models/mae-batch.js';
import { defaultMaskOptions, type MaskOptions } from '#core/models/mae-config.js';
import { maeLoss, maeReconstruction, maeSpecs } from '#core/models/mae.js';
import { shuffleByNoise } from '#core/models/masking.js';
import { cutPatches, unpatchify } from '#core/models/image-patches.js';
import { sinCosPosEmbed } from '#core/models/pos-embed.js';
import { allocateOnHeap, shapesOf, trainableNames } from '#core/nn/params.js';
import { chosenEngines } from './chosen-engines.js';
import {
  expectClose,
  readParameters,
  readReference,
  referenceConfig as config,
  type Reference,
  relativeError,
  swapFirstAxes,
  toChannelsLast,
} from './reference.js';

const FORWARD = 1e-5;
const GRADIENT = 1e-4;
const batchSize = 3;

let parameters: ParameterTree;
let reference: Reference;
let batch: Batch;

function splitRows(data: Float32Array, rows: number): Float32Array[] {
  const width = data.length / rows;
  return Array.from({ length: rows }, (_, row) => data.subarray(row * width, (row + 1) * width));
}

beforeAll(async () => {
  parameters = await readParameters('mae/mae.safetensors');
  reference = await readReference('mae/mae_forward.safetensors');
  const orders = splitRows(reference.float32('noise'), batchSize).map(shuffleByNoise);
  const images = toChannelsLast(reference.float32('imgs'), reference.shape('imgs'));
  batch = createMaeBatch(config, defaultMaskOptions, images, orders);
});

describe('what surrounds the masked autoencoder', () => {
  it('declares exactly the official parameters, with their shapes', () => {
    const specs = maeSpecs(config, defaultMaskOptions);
    expect(Object.keys(specs).sort()).toEqual([...parameters.keys()].sort());
    for (const [name, { shape }] of Object.entries(specs)) expect(shape, name).toEqual(parameters.get(name)!.shape);
  });

  it('orders patches by noise as random_masking does', () => {
    splitRows(reference.float32('noise'), batchSize).forEach((noise, picture) => {
      const order = shuffleByNoise(noise);
      const mask = new Float32Array(noise.length).fill(1);
      const restore = new Array<number>(noise.length);
      order.forEach((patch, place) => {
        restore[patch] = place;
        if (place < 4) mask[patch] = 0;
      });
      expect(restore).toEqual(reference.numbers('ids_restore').slice(picture * 16, picture * 16 + 16));
      expect([...mask]).toEqual([...reference.float32('mask').slice(picture * 16, picture * 16 + 16)]);
    });
  });
});

describe.each(chosenEngines())('the masked autoencoder, %s, against the official implementation', (_, start) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.dispose());

  it('computes the latent tokens', async () => {
    const program = await engine.compile({
      name: 'latent',
      fn: maeReconstruction(config, defaultMaskOptions),
      parameters: shapesOf(maeSpecs(config, defaultMaskOptions)),
      batch: maeBatchSpec(config, defaultMaskOptions, batchSize),
    });
    const { latent } = await program.run(parameters, batch);
    const tokensFirst = swapFirstAxes(reference.float32('latent'), reference.shape('latent'));
    expectClose(latent!.data, tokensFirst, FORWARD, 'latent');
  });

  for (const [prefix, normPixLoss] of [
    ['pix', false],
    ['norm_pix', true],
  ] as const) {
    it(`computes prediction, loss and every gradient (${prefix})`, async () => {
      const options: MaskOptions = { ...defaultMaskOptions, normPixLoss };
      const specs = maeSpecs(config, options);
      const shapes = shapesOf(specs);
      const batchSpec = maeBatchSpec(config, options, batchSize);
      const predict = await engine.compile({
        name: 'prediction',
        fn: maeReconstruction(config, options),
        parameters: shapes,
        batch: batchSpec,
      });
      const { prediction } = await predict.run(parameters, batch);
      const expected = swapFirstAxes(reference.float32(`${prefix}.pred`), reference.shape(`${prefix}.pred`));
      expectClose(prediction!.data, expected, FORWARD, 'prediction');

      const names = trainableNames(specs);
      const gradients = allocateOnHeap(Object.fromEntries(names.map((name) => [name, shapes[name]!])));
      const step = await engine.compile({
        name: 'loss',
        fn: maeLoss(config, options),
        parameters: shapes,
        batch: batchSpec,
        gradients: names,
      });
      const { loss } = await step.run(parameters, batch, gradients);
      expectClose(loss!.data, reference.float32(`${prefix}.loss`), FORWARD, 'loss');

      const given = reference.names.filter((name) => name.startsWith(`${prefix}.grad.`));
      expect(given.map((name) => name.slice(`${prefix}.grad.`.length)).sort()).toEqual([...names].sort());
      for (const name of names) {
        const expectedGradient = reference.float32(`${prefix}.grad.${name}`);
        expectClose(gradients.get(name)!.data, expectedGradient, GRADIENT, name);
      }
    });
  }

  it('gives the same loss on all patches as the full prediction does', async () => {
    const options: MaskOptions = { ...defaultMaskOptions, normPixLoss: false, lossPatches: 'all' };
    const program = await engine.compile({
      name: 'all patches',
      fn: maeLoss(config, options),
      parameters: shapesOf(maeSpecs(config, options)),
      batch: maeBatchSpec(config, options, batchSize),
    });
    const { loss } = await program.run(parameters, batch);
    const [prediction, patches] = [reference.float32('pix.pred'), reference.float32('patches')];
    let sum = 0;
    for (let i = 0; i < patches.length; i++) sum += (prediction[i]! - patches[i]!) ** 2;
    expectClose(loss!.data, [sum / patches.length], FORWARD, 'loss');
  });
});

describe('patches and positions', () => {
  it('cuts and joins pictures as the official patchify', () => {
    const images = toChannelsLast(reference.float32('imgs'), reference.shape('imgs'));
    splitRows(reference.float32('patches'), batchSize).forEach((patches, picture) => {
      const image = images.subarray(picture * 3072, (picture + 1) * 3072);
      expect(relativeError(unpatchify(patches, config), image)).toBe(0);
      expect(relativeError(cutPatches(image, config), patches)).toBe(0);
    });
  });

  it('computes the official sine-cosine tables', async () => {
    const tables = await readReference('mae/sincos.safetensors');
    expectClose(sinCosPosEmbed(768, 14, 14), tables.float32('b16_14x14'), 1e-6, 'B/16');
    expectClose(sinCosPosEmbed(1280, 16, 16), tables.float32('h14_16x16'), 1e-6, 'H/14');
  });
});
