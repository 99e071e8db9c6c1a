import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import { createEngine } from '#core/engine/select.js';
import { createRandom } from '#core/base/random.js';
import { cutPatches } from '#core/models/image-patches.js';
import { defaultMaskOptions, type MaeConfig } from '#core/models/mae-config.js';
import { maeSpecs } from '#core/models/mae.js';
import { presets } from '#core/models/presets.js';
import { createReconstruct, type Reconstruction } from '#core/models/reconstruct.js';
import { initializeParameters } from '#core/nn/params.js';
import { shownValues } from '#core/train/pretraining/draw-reconstructions.js';

const config: MaeConfig = {
  ...presets.tiny,
  imageSize: [8, 8],
  patchSize: 4,
  embedDim: 8,
  depth: 1,
  numHeads: 2,
  decoderEmbedDim: 8,
  decoderDepth: 1,
  decoderNumHeads: 2,
};
const statistics = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.5] };
const { removedValue, deviationValue } = shownValues(statistics);
const NUM_PATCHES = 4;
const order = Int32Array.of(2, 0, 3, 1);
const images = Float32Array.from({ length: 8 * 8 * 3 }, (_, i) => Math.sin(i * i));

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ device: 'javascript' });
});
afterAll(() => engine.dispose());

/** One picture through a model whose decoder says `bias` for every value of a patch. */
async function reconstruct(normPixLoss: boolean, bias: number): Promise<Reconstruction> {
  const mask = { ...defaultMaskOptions, maskRatio: 0.5, normPixLoss };
  const parameters: ParameterTree = initializeParameters(maeSpecs(config, mask), createRandom(0));
  parameters.get('decoder_pred.weight')!.data.fill(0);
  parameters.get('decoder_pred.bias')!.data.fill(bias);
  const pictures = { images, patchOrders: [order], removedValue, deviationValue };
  const [picture] = await createReconstruct(config, mask)(engine, parameters, pictures);
  return picture!;
}

const patchesOf = (picture: Float32Array): Float32Array[] => {
  const patches = cutPatches(picture, config);
  const values = patches.length / NUM_PATCHES;
  return Array.from({ length: NUM_PATCHES }, (_, patch) => patches.subarray(patch * values, (patch + 1) * values));
};

/** A patch of the same values for all pixels, by channel. */
const plain = (values: readonly number[]): number[] => Array.from({ length: 16 }, () => values).flat();

function expectClose(actual: Float32Array, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
}

describe('reconstructions', () => {
  it('show plain pixels as the model says them', async () => {
    const picture = await reconstruct(false, 0.7);
    const original = patchesOf(images);
    for (const patch of patchesOf(picture.prediction)) expectClose(patch, plain([0.7, 0.7, 0.7]));
    for (const patch of [2, 0]) expectClose(patchesOf(picture.pasted)[patch]!, original[patch]!);
    for (const patch of [3, 1]) expectClose(patchesOf(picture.pasted)[patch]!, plain([0.7, 0.7, 0.7]));
    for (const patch of [3, 1]) expectClose(patchesOf(picture.masked)[patch]!, plain(removedValue));
    expect(picture.withTruth).toBeUndefined();
  });

  it('of normalised patches are grey where the model has learned nothing, not the patches’ true means', async () => {
    const nothing = await reconstruct(true, 0);
    for (const patch of patchesOf(nothing.prediction)) expectClose(patch, plain(removedValue));
    for (const patch of [3, 1]) expectClose(patchesOf(nothing.pasted)[patch]!, plain(removedValue));
    // Mid-grey on the screen: what is shown is value · std + mean.
    removedValue.forEach((value, channel) => {
      expect(value * statistics.std[channel]! + statistics.mean[channel]!).toBeCloseTo(0.5, 9);
    });
  });

  it('of normalised patches show a deviation as a fifth of the range, whatever the true one is', async () => {
    const { prediction } = await reconstruct(true, 1);
    const shown = removedValue.map((value, channel) => value + 0.2 / statistics.std[channel]!);
    for (const patch of patchesOf(prediction)) expectClose(patch, plain(shown));
  });

  it('keep what is taken from the original apart', async () => {
    const { withTruth } = await reconstruct(true, 0);
    const original = patchesOf(images);
    for (const patch of [3, 1]) {
      const mean = original[patch]!.reduce((sum, value) => sum + value, 0) / original[patch]!.length;
      expectClose(patchesOf(withTruth!)[patch]!, plain([mean, mean, mean]));
    }
    for (const patch of [2, 0]) expectClose(patchesOf(withTruth!)[patch]!, original[patch]!);
  });
});
