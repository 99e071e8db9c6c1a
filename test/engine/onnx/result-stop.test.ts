import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { encodeModel } from '#core/engine/onnx/encode.js';
import { createGraphBuilder } from '#core/engine/onnx/graph.js';
import { findResultStop, RESULT_STOP } from '#core/engine/onnx/session/result-stop.js';
import { createSession, loadOnnxRuntime } from '#core/engine/onnx/session/session.js';
import { createOnnxEngine } from '#core/engine/onnx.js';

const SIZE = 1 << 23;

/** A session of y = −x. */
async function negation(sequenceOutput?: string) {
  const graph = createGraphBuilder();
  const x = graph.input('x', [SIZE], 'float32');
  const negated = graph.node('Neg', [x], [{ shape: [SIZE], type: 'float32' }])[0]!;
  const model = encodeModel(graph.finish([graph.output('y', negated)]), 'negation', { sequenceOutput });
  const runtime = await loadOnnxRuntime();
  const session = await createSession(runtime, model, 'negation', { provider: 'cpu', threads: 1 });
  const tensor = (value: number) => ({
    shape: [SIZE],
    dtype: 'float32' as const,
    data: new Float32Array(SIZE).fill(value),
  });
  return { session, x: tensor(2), y: tensor(0) };
}

/** Bytes of new arrays that a run leaves behind. */
async function bytesLeft(sequenceOutput?: string): Promise<{ readonly bytes: number; readonly last: number }> {
  const { session, x, y } = await negation(sequenceOutput);
  const before = process.memoryUsage().arrayBuffers;
  await session.run(new Map([['x', x]]), new Map([['y', y]]));
  const bytes = process.memoryUsage().arrayBuffers - before;
  await session.release();
  return { bytes, last: y.data.at(-1)! };
}

describe('outputs that stay where they were written', () => {
  it('is supported by the installed library', async () => {
    expect(await findResultStop(await loadOnnxRuntime())).toBe(true);
  });

  it('leaves no copy behind, with the same values', async () => {
    expect((await bytesLeft()).last).toBe(-2);
    const stopped = await bytesLeft(RESULT_STOP);
    expect(stopped.last).toBe(-2);
    expect(stopped.bytes).toBeLessThan(SIZE);
  });

  it('hides no error of a run', async () => {
    const engine = await createOnnxEngine({ threads: 1 });
    try {
      const program = await engine.compile({
        name: 'rows',
        fn: (_, { table, chosen }) => ({ rows: tf.gather(table!, chosen as tf.Tensor1D) }),
        parameters: {},
        batch: { table: { shape: [3, 2], dtype: 'float32' }, chosen: { shape: [1], dtype: 'int32' } },
      });
      const table = { shape: [3, 2], dtype: 'float32' as const, data: Float32Array.of(1, 2, 3, 4, 5, 6) };
      const run = (row: number) =>
        program.run(new Map(), { table, chosen: { shape: [1], dtype: 'int32', data: Int32Array.of(row) } });
      expect([...(await run(2)).rows!.data]).toEqual([5, 6]);
      await expect(run(7)).rejects.toThrow(/indices element out of data bounds/u);
    } finally {
      await engine.dispose();
    }
  });
});
