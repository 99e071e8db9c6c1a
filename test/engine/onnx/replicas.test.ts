import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, ProgramSpec } from '#core/contracts/engine.js';
import type { Batch } from '#core/contracts/tensor.js';
import { createParameterArena } from '#core/engine/parameter-arena.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { createTfjsEngine } from '#core/engine/tfjs.js';
import { createRandom } from '#core/base/random.js';

const ROWS = 6;
const spec = {
  name: 'rows',
  fn: ({ table, bias }, { ids, x }) => {
    const picked = tf.gather(table!, ids as tf.Tensor1D);
    const difference = tf.sub(tf.add(picked, bias!), x!);
    return { loss: tf.mean(tf.square(difference)), picked };
  },
  parameters: { table: [5, 3], bias: [3] },
  batch: { ids: { shape: [ROWS], dtype: 'int32' }, x: { shape: [ROWS, 3], dtype: 'float32' } },
  gradients: ['bias'],
} satisfies ProgramSpec;

const random = createRandom(3);

function batchOf(largestId = 4): Batch {
  return {
    ids: { shape: [ROWS], dtype: 'int32', data: Int32Array.from({ length: ROWS }, (_, i) => Math.min(i, largestId)) },
    x: { shape: [ROWS, 3], dtype: 'float32', data: Float32Array.from({ length: ROWS * 3 }, () => random.normal()) },
  };
}

function tensors() {
  const allocate = createParameterArena();
  const parameters = allocate(spec.parameters);
  for (const { data } of parameters.values()) data.set(data.map(() => random.normal()));
  return { parameters, gradients: allocate({ bias: spec.parameters.bias }) };
}

let engine: Engine;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 3 });
});
afterAll(() => engine.dispose());

describe('replicas of a program', () => {
  it.each([1, 2, 3])('give each part its outputs, and the mean of all gradients: %i', async (count) => {
    const { parameters, gradients } = tensors();
    const single = await engine.compile(spec);
    const program = await engine.replication!.compile(spec, count);
    // Twice: parameters and parts may change between runs.
    for (let step = 0; step < 2; step++) {
      const batches = Array.from({ length: count }, () => batchOf());
      const expected = [0, 0, 0];
      const losses: number[] = [];
      for (const batch of batches) {
        const { loss } = await single.run(parameters, batch, gradients);
        losses.push(loss!.data[0]!);
        gradients.get('bias')!.data.forEach((value, i) => (expected[i]! += value / count));
      }
      const outputs = await program.run(parameters, batches, gradients);
      expect(outputs.map(({ loss }) => loss!.data[0])).toEqual(losses);
      outputs.forEach(({ picked }, part) => {
        const ids = [...batches[part]!.ids!.data];
        expect([...picked!.data]).toEqual(
          ids.flatMap((id) => [...parameters.get('table')!.data.slice(3 * id, 3 * id + 3)]),
        );
      });
      gradients.get('bias')!.data.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6));
      for (const { data } of parameters.values()) data.set(data.map((value) => value + 1));
    }
    await program.dispose();
    await program.dispose();
  });

  it('tell what went wrong in one of them, and go on afterwards', async () => {
    const { parameters, gradients } = tensors();
    const program = await engine.replication!.compile(spec, 2);
    const outside = batchOf();
    outside.ids!.data[2] = 77;
    await expect(program.run(parameters, [batchOf(), outside], gradients)).rejects.toThrow(/77|out of (data )?bounds/);
    await expect(program.run(parameters, [outside, batchOf()], gradients)).rejects.toThrow(/77|out of (data )?bounds/);
    const [first, second] = await program.run(parameters, [batchOf(), batchOf()], gradients);
    expect(first!.picked!.data).toEqual(second!.picked!.data);
    await program.dispose();
  });

  it('name a part of the wrong shape before anything runs', async () => {
    const { parameters, gradients } = tensors();
    const program = await engine.replication!.compile(spec, 2);
    const { x } = batchOf();
    await expect(program.run(parameters, [batchOf(), { x: x! }], gradients)).rejects.toThrow(
      /batch entry "ids" is missing/,
    );
    await program.dispose();
  });

  it('take no further memory over a thousand runs', async () => {
    const { parameters, gradients } = tensors();
    const program = await engine.replication!.compile(spec, 2);
    const batches = [batchOf(), batchOf()];
    const run = async (times: number): Promise<number> => {
      for (let step = 0; step < times; step++) await program.run(parameters, batches, gradients);
      return process.memoryUsage().rss / 2 ** 20;
    };
    const before = await run(200);
    expect((await run(1000)) - before).toBeLessThan(30);
    await program.dispose();
  });

  it.each(['dispose', 'forget', 'throw'])('let the process end: %s', (end) => {
    const script = fileURLToPath(new URL('replicas-process.ts', import.meta.url));
    const { status, stdout, signal } = spawnSync(process.execPath, ['--import', 'tsx', script, end], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(signal).toBeNull();
    expect(stdout.trim()).toBe('8');
    expect(status).toBe(end === 'throw' ? 1 : 0);
  });

  it('are not there on the eager engine', async () => {
    const eager = await createTfjsEngine({ backend: 'cpu' });
    expect(eager.replication).toBeUndefined();
    await eager.dispose();
  });
});
