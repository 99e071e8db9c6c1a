import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { ProgramSpec } from '#core/contracts/engine.js';
import type { HostTensor, ParameterTree } from '#core/contracts/tensor.js';
import { createEngine } from '#core/engine/select.js';
import { createTfjsEngine } from '#core/engine/tfjs.js';
import type { MaeError } from '#core/base/errors.js';

const spec: ProgramSpec = {
  name: 'test.line',
  fn: ({ weight }, { x, y }) => {
    const prediction = tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D);
    return { loss: tf.mean(tf.square(tf.sub(prediction, y!))), prediction, inputAgain: x! };
  },
  parameters: { weight: [2, 1] },
  batch: { x: { shape: [3, 2], dtype: 'float32' }, y: { shape: [3, 1], dtype: 'float32' } },
  gradients: ['weight', 'x'],
};
const tree = (values: number[]): ParameterTree =>
  new Map([['weight', { name: 'weight', shape: [2, 1], data: Float32Array.from(values) }]]);
const batch: Record<string, HostTensor> = {
  x: { shape: [3, 2], dtype: 'float32', data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  y: { shape: [3, 1], dtype: 'float32', data: Float32Array.of(1, 1, 1) },
};

describe.each(['cpu', 'wasm'] as const)('the eager engine on %s', (backend) => {
  it('gives outputs and gradients, by parameters and by the batch', async () => {
    const engine = await createTfjsEngine({ backend });
    const program = await engine.compile(spec);
    expect(program.outputs).toEqual({
      loss: { shape: [], dtype: 'float32' },
      prediction: { shape: [3, 1], dtype: 'float32' },
      inputAgain: { shape: [3, 2], dtype: 'float32' },
    });
    const gradients = tree([9, 9]);
    const result = await program.run(tree([1, -1]), batch, gradients);
    expect([...result.prediction!.data]).toEqual([-1, -1, -1]);
    expect(result.loss!.data[0]).toBe(4);
    expect([...gradients.get('weight')!.data]).toEqual([-12, -16]);
    const byInput = [...result['grad.x']!.data];
    const expected = [-4 / 3, 4 / 3, -4 / 3, 4 / 3, -4 / 3, 4 / 3];
    byInput.forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 6));
  });

  it('keeps no tensor from run to run and leaves the active backend alone', async () => {
    await tf.setBackend('cpu');
    const engine = await createTfjsEngine({ backend });
    const program = await engine.compile(spec);
    const before = tf.memory().numTensors;
    for (let run = 0; run < 3; run++) await program.run(tree([1, -1]), batch, tree([0, 0]));
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.getBackend()).toBe('cpu');
  });
});

describe('the eager engine', () => {
  it('runs what cannot be traced', async () => {
    const engine = await createTfjsEngine({ backend: 'cpu' });
    const program = await engine.compile({
      name: 'untraceable',
      fn: (_, { x }) => ({ y: tf.mul(x!, tf.max(x!).dataSync()[0]!) }),
      parameters: {},
      batch: { x: { shape: [2], dtype: 'float32' } },
    });
    expect(program.outputs).toEqual({ y: { shape: [2], dtype: 'float32' } });
    const x = { shape: [2], dtype: 'float32' as const, data: Float32Array.of(1, 3) };
    expect([...(await program.run(new Map(), { x })).y!.data]).toEqual([3, 9]);
  });

  it('has on wasm the kernels that TF.js lacks there', async () => {
    const engine = await createTfjsEngine({ backend: 'wasm' });
    const table: ParameterTree = new Map([
      ['w', { name: 'w', shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ]);
    const program = await engine.compile({
      name: 'gathering',
      fn: ({ w }, { rows }) => ({ loss: tf.sum(tf.square(tf.gather(w!, rows!))) }),
      parameters: { w: [3, 2] },
      batch: { rows: { shape: [3], dtype: 'int32' } },
      gradients: ['w'],
    });
    const gradients: ParameterTree = new Map([['w', { name: 'w', shape: [3, 2], data: new Float32Array(6) }]]);
    const before = tf.memory().numTensors;
    const rows = { shape: [3], dtype: 'int32' as const, data: Int32Array.of(2, 0, 2) };
    await program.run(table, { rows }, gradients);
    expect([...gradients.get('w')!.data]).toEqual([2, 4, 0, 0, 20, 24]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('what the engine refuses', () => {
  const failure = async (change: Partial<ProgramSpec>): Promise<MaeError> => {
    const engine = await createTfjsEngine({ backend: 'cpu' });
    try {
      const program = await engine.compile({ ...spec, ...change });
      await program.run(tree([1, 1]), batch, tree([0, 0]));
    } catch (error) {
      return error as MaeError;
    }
    throw new Error('nothing was refused');
  };

  it('names every parameter that the loss does not depend on', async () => {
    const error = await failure({ fn: ({ weight }) => ({ loss: tf.sum(weight!) }), gradients: ['weight', 'x', 'y'] });
    expect(error.code).toBe('GRADIENT_MISSING');
    expect(error.message).toContain('"x", "y" — test.line');
  });

  it('wants a scalar loss', async () => {
    const error = await failure({ fn: ({ weight }) => ({ loss: weight! }) });
    expect(error.code).toBe('SHAPE_MISMATCH');
    expect(error.message).toContain('float32 [2, 1]');
  });

  it('names the entry whose shape is wrong', async () => {
    const engine = await createTfjsEngine({ backend: 'cpu' });
    const program = await engine.compile(spec);
    const wrong = { ...batch, y: { shape: [2, 1], dtype: 'float32' as const, data: new Float32Array(2) } };
    await expect(program.run(tree([1, 1]), wrong, tree([0, 0]))).rejects.toThrow(
      'batch entry "y" is float32 [2, 1] with 2 values — test.line — expected float32 [3, 1]',
    );
    await expect(program.run(new Map(), batch, tree([0, 0]))).rejects.toThrow('parameter "weight" is missing');
    await expect(program.run(tree([1, 1]), batch)).rejects.toThrow('gradient of "weight" is missing');
  });

  it('says what to install for a device that is not there', async () => {
    await expect(createEngine({ device: 'tensorflow' })).rejects.toThrow('npm i @tensorflow/tfjs-node');
  });
});
