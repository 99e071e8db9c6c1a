import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { ProgramSpec } from '#core/contracts/engine.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import { exportOnnx } from '#core/engine/export-onnx.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { encodeModel } from '#core/engine/onnx/encode.js';
import { optimize } from '#core/engine/onnx/passes/optimize.js';
import { trace } from '#core/engine/onnx/trace/trace.js';
import { createTfjsEngine } from '#core/engine/tfjs.js';
import { initializeParameters, shapesOf } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import { encodeImages, vitSpecs } from '#core/models/vit.js';
import { TINY_VIT } from '../models/tiny-models.js';

const config = { ...TINY_VIT, imageSize: [8, 12] } as const;
const specs = vitSpecs(config, 'sinCos');
const parameters: ParameterTree = initializeParameters(specs, createRandom(5));
const spec: ProgramSpec = {
  name: 'vit',
  fn: (given, { images }) => ({
    tokens: encodeImages(given, images as tf.Tensor4D, config),
    images: tf.relu(images!),
  }),
  parameters: { ...shapesOf(specs), unused: [2] },
  batch: { images: { shape: [2, 8, 12, 3], dtype: 'float32' } },
};
const unused = { name: 'unused', shape: [2], data: new Float32Array(2) };
const all: ParameterTree = new Map([...parameters, ['unused', unused]]);
const stream = createRandom(6);
const pixels = Float32Array.from({ length: 2 * 8 * 12 * 3 }, () => stream.normal());
const bytes = exportOnnx(spec, all, { metadata: { mean: '0.5' } });

describe('an exported model', () => {
  it('gives the eager results in ONNX Runtime, under the names of the spec', async () => {
    const eager = await (await createTfjsEngine({ backend: 'cpu' })).compile(spec);
    const images = { shape: [2, 8, 12, 3], dtype: 'float32' as const, data: pixels };
    const expected = await eager.run(all, { images });
    const session = await ort.InferenceSession.create(bytes);
    expect(session.inputNames).toEqual(['images']);
    expect(session.outputNames).toEqual(['tokens', 'images_output']);
    const results = await session.run({ images: new ort.Tensor('float32', pixels, [2, 8, 12, 3]) });
    const tokens = results.tokens!.data as Float32Array;
    expected.tokens!.data.forEach((value, index) => expect(Math.abs(value - tokens[index]!)).toBeLessThan(1e-5));
    expect(results.images_output!.data).toEqual(expected.images!.data);
    await session.release();
  });

  it('uses standard operators only', () => {
    const { nodes } = optimize(trace(spec).graph, 'portable');
    expect(nodes.length).toBeGreaterThan(20);
    expect(nodes.filter(({ domain }) => domain !== '')).toEqual([]);
    expect(optimize(trace(spec).graph, 'fast').nodes.some(({ domain }) => domain !== '')).toBe(true);
  });

  it('is refused without its parameters', () => {
    expect(() => exportOnnx(spec, new Map())).toThrow('parameter "cls_token" is missing — vit');
  });
});

describe('standard operators', () => {
  it('give the same gradients as the fast ones', async () => {
    // The portable flavour only runs on other providers; here its model goes through the same CPU runtime.
    const training: ProgramSpec = {
      ...spec,
      fn: (given, { images }) => ({
        loss: tf.mean(tf.square(encodeImages(given, images as tf.Tensor4D, config))),
      }),
      parameters: shapesOf(specs),
      gradients: ['blocks.0.attn.qkv.weight', 'blocks.1.mlp.fc1.bias', 'cls_token'],
    };
    const session = await ort.InferenceSession.create(
      encodeModel(optimize(trace(training).graph, 'portable'), 'portable'),
    );
    const feeds = Object.fromEntries(
      [...parameters.values()].map(({ name, data, shape }) => [
        `parameter:${name}`,
        new ort.Tensor('float32', data, shape),
      ]),
    );
    const results = await session.run({
      ...feeds,
      'batch:images': new ort.Tensor('float32', pixels, [2, 8, 12, 3]),
    });
    const engine = await createOnnxEngine();
    const program = await engine.compile(training);
    const gradients: ParameterTree = new Map(
      training.gradients!.map((name) => {
        const { shape, data } = parameters.get(name)!;
        return [name, { name, shape, data: new Float32Array(data.length) }];
      }),
    );
    await program.run(parameters, { images: { shape: [2, 8, 12, 3], dtype: 'float32', data: pixels } }, gradients);
    for (const { name, data } of gradients.values()) {
      const portable = results[`gradient:${name}`]!.data as Float32Array;
      const size = data.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
      data.forEach((value, index) => expect(Math.abs(value - portable[index]!)).toBeLessThan(1e-5 * size));
    }
    await engine.dispose();
    await session.release();
  });
});

// onnx.checker is Python's; MAE_TASKS_PYTHON names an interpreter that has the package `onnx`.
if (process.env.MAE_TASKS_FULL === '1') {
  describe("ONNX's own checker", () => {
    it('accepts an exported model', () => {
      const folder = mkdtempSync(join(tmpdir(), 'mae-onnx-'));
      try {
        const file = join(folder, 'model.onnx');
        writeFileSync(file, bytes);
        const check = 'import sys, onnx; onnx.checker.check_model(sys.argv[1], full_check=True)';
        execFileSync(process.env.MAE_TASKS_PYTHON ?? 'python3', ['-c', check, file], { stdio: 'pipe' });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
}
