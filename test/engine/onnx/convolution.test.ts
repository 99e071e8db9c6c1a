import * as tf from '@tensorflow/tfjs';
import * as onnxRuntime from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import { type HostTensor, sizeOf } from '#core/contracts/tensor.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { findChannelBlock } from '#core/engine/onnx/session/channel-block.js';
import { NCHWC } from '#core/engine/onnx/graph.js';
import { optimize } from '#core/engine/onnx/passes/optimize.js';
import { blockConvolutions } from '#core/engine/onnx/passes/block-convolutions.js';
import { trace } from '#core/engine/onnx/trace/trace.js';
import { createRandom } from '#core/base/random.js';

const random = createRandom(5);

function normals(name: string, shape: readonly number[]): HostTensor {
  const stream = random.fork(name);
  return { shape, dtype: 'float32', data: Float32Array.from({ length: sizeOf(shape) }, () => stream.normal()) };
}

const convolutions = (channels: number) => ({
  name: 'convolutions',
  fn: (parameters: Readonly<Record<string, tf.Tensor>>, { x }: Readonly<Record<string, tf.Tensor>>) => {
    const first = tf.conv2d(x as tf.Tensor4D, parameters.first as tf.Tensor4D, 1, 'same');
    return { loss: tf.sum(tf.square(tf.conv2d(tf.relu(first), parameters.second as tf.Tensor4D, 1, 'same'))) };
  },
  parameters: { first: [3, 3, channels, channels], second: [3, 3, channels, channels] },
  batch: { x: { shape: [2, 6, 6, channels], dtype: 'float32' as const } },
  gradients: ['first', 'second'],
});

describe('convolutions on blocks of channels', () => {
  const namesOf = (channels: number, block: number): string[] =>
    blockConvolutions(optimize(trace(convolutions(channels)).graph, 'fast'), block)
      .nodes.filter(({ domain, op }) => domain === NCHWC || op === 'Conv')
      .map(({ domain, op }) => `${domain === NCHWC ? 'blocked ' : ''}${op}`);

  it('are found to have blocks of some power of two channels, or not to be there', async () => {
    const block = await findChannelBlock(onnxRuntime);
    expect([undefined, 4, 8, 16, 32]).toContain(block);
  });

  it('take the place of every convolution, gradients too', () => {
    const names = namesOf(32, 16);
    // Two forwards, one back to the hidden picture; the input's gradient is not asked for.
    expect(names.filter((name) => name === 'blocked Conv')).toHaveLength(3);
    expect(names).not.toContain('Conv');
  });

  it('leave channels alone that are no whole blocks', () => {
    expect(namesOf(24, 16).filter((name) => name.startsWith('blocked'))).toEqual([]);
    expect(namesOf(24, 16)).toContain('Conv');
  });
});

describe('the gradient by a filter', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createOnnxEngine();
  });
  afterAll(() => engine.dispose());

  it('of pictures too large to lay out at once is the sum of the gradients of its pictures', async () => {
    const [height, width, channels] = [512, 480, 16];
    const filter = { shape: [3, 3, channels, 4], dtype: 'float32' as const, data: new Float32Array(9 * channels * 4) };
    const pictures = [0, 1].map((index) => normals(`x${index}`, [1, height, width, channels]));
    const weights = [0, 1].map((index) => normals(`dy${index}`, [1, height, width, 4]));
    const gradientOf = async (xs: readonly HostTensor[], dys: readonly HostTensor[]): Promise<Float32Array> => {
      const join = (parts: readonly HostTensor[]): HostTensor => ({
        ...parts[0]!,
        shape: [parts.length, ...parts[0]!.shape.slice(1)],
        data: Float32Array.from(parts.flatMap(({ data }) => [...data])),
      });
      const batch = { x: join(xs), dy: join(dys) };
      const program = await engine.compile({
        name: 'by filter',
        fn: ({ filter: f }, { x, dy }) => ({
          loss: tf.sum(tf.mul(tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, 'same'), dy!)),
        }),
        parameters: { filter: filter.shape },
        batch: Object.fromEntries(Object.entries(batch).map(([name, { shape, dtype }]) => [name, { shape, dtype }])),
        gradients: ['filter'],
      });
      const gradient = { ...filter, name: 'filter', data: new Float32Array(filter.data.length) };
      await program.run(new Map([['filter', { ...filter, name: 'filter' }]]), batch, new Map([['filter', gradient]]));
      return gradient.data;
    };
    const together = await gradientOf(pictures, weights);
    const [first, second] = await Promise.all([0, 1].map((i) => gradientOf([pictures[i]!], [weights[i]!])));
    const scale = Math.sqrt(height * width);
    together.forEach((value, i) => expect((value - first![i]! - second![i]!) / scale).toBeCloseTo(0, 4));
    expect(Math.max(...together.map(Math.abs)) / scale).toBeGreaterThan(1);
  });
});
