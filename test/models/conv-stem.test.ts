import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import { createRandom } from '#core/base/random.js';
import { createEngine } from '#core/engine/select.js';
import { convStemBackbone, convStemChannels } from '#core/models/conv-stem.js';
import { allocateOnHeap, initializeParameters, shapesOf } from '#core/nn/params.js';

const config = {
  imageSize: [16, 24] as const,
  patchSize: 8,
  inChannels: 3,
  embedDim: 32,
  depth: 1,
  numHeads: 2,
  mlpRatio: 2,
};
const specs = convStemBackbone.parameters(config);
const images = Float32Array.from({ length: 2 * 16 * 24 * 3 }, (_, i) => Math.sin(i * 0.37));

/** The loss weighs every output differently, so that no gradient vanishes by symmetry. */
const program = {
  name: 'stem',
  fn: (parameters: Record<string, tf.Tensor>, batch: Record<string, tf.Tensor>) => {
    const tokens = convStemBackbone.encode(parameters, batch.images as tf.Tensor4D, config);
    const weights = tf.cos(tf.range(0, tokens.size));
    return { tokens, loss: tf.mean(tf.mul(tf.reshape(tokens, [-1]), weights)) };
  },
  parameters: shapesOf(specs),
  batch: { images: { shape: [2, 16, 24, 3], dtype: 'float32' } },
  gradients: Object.keys(specs),
} as const;
const batch = { images: { shape: [2, 16, 24, 3], dtype: 'float32', data: images } } as const;

describe('a ViT with a convolutional stem', () => {
  let compiled: Engine;
  let eager: Engine;
  beforeAll(async () => {
    compiled = await createEngine({ device: 'cpu' });
    eager = await createEngine({ device: 'javascript' });
  });
  afterAll(async () => {
    await compiled.dispose();
    await eager.dispose();
  });

  it('doubles its channels up to the width, as the paper’s 24, 48, 96, 192', () => {
    expect(convStemChannels({ ...config, patchSize: 16, embedDim: 192 })).toEqual([24, 48, 96, 192]);
    expect(() => convStemChannels({ ...config, patchSize: 12 })).toThrow(/patchSize.*=12.*power of two/u);
  });

  it('gives a token for each patch and the class token, and the same gradients compiled and eager', async () => {
    const parameters = initializeParameters(specs, createRandom(1), allocateOnHeap);
    const results = [];
    for (const engine of [compiled, eager]) {
      const gradients = allocateOnHeap(shapesOf(specs));
      const { tokens } = await (await engine.compile(program)).run(parameters, batch, gradients);
      expect(tokens!.shape).toEqual([1 + 6, 2, 32]);
      results.push(gradients);
    }
    for (const name of Object.keys(specs)) {
      const [a, b] = results.map((gradients) => gradients.get(name)!.data);
      const largest = Math.max(...b!.map(Math.abs), 1e-6);
      expect(largest, name).toBeGreaterThan(1e-5);
      b!.forEach((value, i) => {
        expect(Math.abs(a![i]! - value), name).toBeLessThan(1e-4 * largest);
      });
    }
  });

  it.each(['patch_embed.convs.0.weight', 'patch_embed.norms.1.weight', 'patch_embed.proj.bias'])(
    'agrees with finite differences by %s',
    async (name) => {
      const parameters = initializeParameters(specs, createRandom(1), allocateOnHeap);
      const gradients = allocateOnHeap(shapesOf(specs));
      const run = await eager.compile(program);
      const lossNow = async () => (await run.run(parameters, batch, gradients)).loss!.data[0]!;
      await lossNow();
      const gradient = gradients.get(name)!.data[3]!;
      const { data } = parameters.get(name)!;
      const before = data[3]!;
      data[3] = before + 1e-2;
      const above = await lossNow();
      data[3] = before - 1e-2;
      const below = await lossNow();
      expect((above - below) / 2e-2).toBeCloseTo(gradient, 4);
      expect(Math.abs(gradient)).toBeGreaterThan(1e-4);
    },
  );
});
