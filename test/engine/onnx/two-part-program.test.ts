import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, ProgramSpec } from '#core/contracts/engine.js';
import type { HostTensor } from '#core/contracts/tensor.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { gelu } from '#core/nn/gelu.js';
import { allocateOnHeap, initializeParameters } from '#core/nn/params.js';
import { normal } from '#core/nn/init.js';
import { createRandom } from '#core/base/random.js';

const specs = {
  'a.weight': { shape: [8, 8], init: normal(0.5) },
  'b.weight': { shape: [8, 8], init: normal(0.5) },
};

/** Features from `x`; a loss that compares them with `y`, and pulls them along `pull`. */
const spec: ProgramSpec = {
  name: 'two-part',
  fn: (parameters, { x, y, pull }) => {
    const hidden = gelu(tf.matMul(x as tf.Tensor2D, parameters['a.weight'] as tf.Tensor2D));
    const features = tf.relu(tf.matMul(hidden as tf.Tensor2D, parameters['b.weight'] as tf.Tensor2D));
    const distance = tf.sum(tf.square(tf.sub(features, y!)));
    return { features, loss: tf.add(distance, tf.sum(tf.mul(features, pull!))), distance };
  },
  parameters: Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape])),
  batch: Object.fromEntries(['x', 'y', 'pull'].map((name) => [name, { shape: [4, 8], dtype: 'float32' as const }])),
  gradients: ['a.weight', 'b.weight', 'x'],
};

function entry(name: string, seed: number): HostTensor {
  const random = createRandom(seed).fork(name);
  return { shape: [4, 8], dtype: 'float32', data: Float32Array.from({ length: 32 }, () => random.normal()) };
}

describe('a program whose batch comes in two parts', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createOnnxEngine({ threads: 1 });
  });
  afterAll(() => engine.dispose());

  it('computes what the whole program does, run after run', async () => {
    const parameters = initializeParameters(specs, createRandom(0));
    const [whole, parts] = [await engine.compile(spec), await engine.compileInTwo!(spec, ['y', 'pull'])];
    for (const seed of [1, 2]) {
      const [x, y, pull] = ['x', 'y', 'pull'].map((name) => entry(name, seed)) as [HostTensor, HostTensor, HostTensor];
      const [expected, actual] = [allocateOnHeap(spec.parameters), allocateOnHeap(spec.parameters)];
      const all = await whole.run(parameters, { x, y, pull }, expected);
      const first = await parts.first(parameters, { x });
      expect(Object.keys(first)).toEqual(['features']);
      expect(first.features!.data).toEqual(all.features!.data);
      const second = await parts.second(parameters, { x, y, pull }, actual);
      expect(Object.keys(second).sort()).toEqual(['distance', 'grad.x', 'loss']);
      expect(second.loss!.data[0]).toBeCloseTo(all.loss!.data[0]!, 4);
      for (const name of ['a.weight', 'b.weight']) {
        actual.get(name)!.data.forEach((value, i) => {
          expect(value).toBeCloseTo(expected.get(name)!.data[i]!, 4);
        });
        expect(actual.get(name)!.data.some((value) => value !== 0)).toBe(true);
      }
      second['grad.x']!.data.forEach((value, i) => {
        expect(value).toBeCloseTo(all['grad.x']!.data[i]!, 4);
      });
    }
    await parts.dispose();
  });

  it('refuses entries that are not there, and parts without outputs', async () => {
    await expect(engine.compileInTwo!(spec, ['z'])).rejects.toThrow(/no entry "z"/);
    await expect(engine.compileInTwo!(spec, ['x'])).rejects.toThrow(/every output needs/);
    const parts = await engine.compileInTwo!(spec, ['y', 'pull']);
    const parameters = initializeParameters(specs, createRandom(0));
    await expect(parts.first(parameters, {})).rejects.toThrow(/batch entry "x" is missing/);
  });
});
