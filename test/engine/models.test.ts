import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, ProgramSpec } from '#core/contracts/engine.js';
import type { Batch, ParameterTree } from '#core/contracts/tensor.js';
import { vectorKernels } from '#core/engine/kernels/select.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { createTfjsEngine } from '#core/engine/tfjs.js';
import { createMaeBatch, maeBatchSpec } from '#core/models/mae-batch.js';
import { defaultMaskOptions, type MaeConfig, type MaskOptions } from '#core/models/mae-config.js';
import { maeLoss, maeReconstruction, maeSpecs } from '#core/models/mae.js';
import { allocateOnHeap, initializeParameters, shapesOf, trainableNames } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';

const config: MaeConfig = {
  imageSize: [16, 24],
  patchSize: 4,
  inChannels: 3,
  embedDim: 24,
  depth: 3,
  numHeads: 2,
  mlpRatio: 4,
  decoderEmbedDim: 16,
  decoderDepth: 2,
  decoderNumHeads: 4,
};
const batchSize = 3;
const random = createRandom(3);

let onnx: Engine;
let eager: Engine;
beforeAll(async () => {
  onnx = await createOnnxEngine({ threads: 2 });
  eager = await createTfjsEngine({ backend: 'cpu' });
});
afterAll(() => onnx.dispose());

function prepare(options: MaskOptions, step = 0): { parameters: ParameterTree; batch: Batch; spec: ProgramSpec } {
  const specs = maeSpecs(config, options);
  const parameters = initializeParameters(specs, random.fork('parameters'));
  // Biases and scales start at 0 and 1, where half of the gradients' terms vanish.
  for (const { name, data } of parameters.values()) {
    const stream = random.fork('jitter', name);
    for (let i = 0; i < data.length; i++) data[i]! += 0.1 * stream.normal();
  }
  const pixels = random.fork('pixels');
  const images = Float32Array.from({ length: batchSize * 16 * 24 * 3 }, () => pixels.normal());
  const orders = Array.from({ length: batchSize }, (_, picture) => random.fork('order', step, picture).permutation(24));
  return {
    parameters,
    batch: createMaeBatch(config, options, images, orders),
    spec: {
      name: 'mae.train',
      fn: maeLoss(config, options),
      parameters: shapesOf(specs),
      batch: maeBatchSpec(config, options, batchSize),
      gradients: trainableNames(specs),
    },
  };
}

function worstError(expected: ArrayLike<number>, actual: ArrayLike<number>): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(expected[i]! - actual[i]!));
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return difference / Math.max(size, 1e-6);
}

const variants: Record<string, MaskOptions> = {
  'as in the paper': defaultMaskOptions,
  'with raw pixels and a loss on all patches': { ...defaultMaskOptions, normPixLoss: false, lossPatches: 'all' },
  'with mask tokens in the encoder': { ...defaultMaskOptions, encodeMaskTokens: true },
};

describe.each(Object.entries(variants))('the masked autoencoder %s', (_, options) => {
  it('has the same loss and gradients compiled and eager', async () => {
    const { parameters, batch, spec } = prepare(options);
    const run = async (engine: Engine) => {
      const program = await engine.compile(spec);
      const gradients = allocateOnHeap(
        Object.fromEntries(spec.gradients!.map((name) => [name, spec.parameters[name]!])),
      );
      return { outputs: await program.run(parameters, batch, gradients), gradients };
    };
    const [traced, expected] = [await run(onnx), await run(eager)];
    for (const [name, { data }] of Object.entries(expected.outputs)) {
      expect(worstError(data, traced.outputs[name]!.data), name).toBeLessThan(1e-5);
    }
    for (const [name, { data }] of expected.gradients) {
      // A key's bias adds the same to every score of a row, so its gradient is rounding noise around zero.
      const compared = name.endsWith('qkv.bias') ? withoutKeys : (values: Float32Array) => values;
      expect(worstError(compared(data), compared(traced.gradients.get(name)!.data)), name).toBeLessThan(1e-5);
    }
  });

  it('reconstructs the same', async () => {
    const { parameters, batch, spec } = prepare(options);
    const reconstruction = { ...spec, fn: maeReconstruction(config, options), gradients: [] };
    const [traced, expected] = await Promise.all(
      [onnx, eager].map(async (engine) => (await engine.compile(reconstruction)).run(parameters, batch)),
    );
    for (const [name, { data }] of Object.entries(expected!)) {
      expect(worstError(data, traced![name]!.data), name).toBeLessThan(1e-5);
    }
  });
});

describe('training', () => {
  it('goes the same way on both engines for 20 steps', async () => {
    const { parameters, spec } = prepare(defaultMaskOptions);
    const run = async (engine: Engine): Promise<number[]> => {
      const program = await engine.compile(spec);
      const copy = allocateOnHeap(spec.parameters);
      for (const { name, data } of parameters.values()) copy.get(name)!.data.set(data);
      const trainable = Object.fromEntries(spec.gradients!.map((name) => [name, spec.parameters[name]!]));
      const [gradients, means, squares] = [trainable, trainable, trainable].map(allocateOnHeap) as Three;
      const losses: number[] = [];
      for (let step = 1; step <= 20; step++) {
        const { batch } = prepare(defaultMaskOptions, step);
        losses.push((await program.run(copy, batch, gradients)).loss!.data[0]!);
        for (const { name, data } of gradients.values()) {
          const rates = { lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.05, step };
          vectorKernels.adamw(copy.get(name)!.data, data, means.get(name)!.data, squares.get(name)!.data, rates);
        }
      }
      return losses;
    };
    const [traced, expected] = [await run(onnx), await run(eager)];
    traced.forEach((loss, step) => expect(Math.abs(loss / expected[step]! - 1), `step ${step}`).toBeLessThan(1e-4));
    expect(traced.at(-1)).toBeLessThan(traced[0]!);
  });
});
type Three = [ParameterTree, ParameterTree, ParameterTree];

function withoutKeys(bias: Float32Array): number[] {
  const width = bias.length / 3;
  return [...bias.subarray(0, width), ...bias.subarray(2 * width)];
}
