import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, ProgramSpec, TensorFunction } from '#core/contracts/engine.js';
import type { HostTensor } from '#core/contracts/tensor.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { optimize } from '#core/engine/onnx/passes/optimize.js';
import { trace } from '#core/engine/onnx/trace/trace.js';
import type { MaeError } from '#core/base/errors.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

const x = (values: number[], shape = [values.length]): HostTensor => ({
  shape,
  dtype: 'float32',
  data: Float32Array.from(values),
});
const specFor = (fn: TensorFunction, shape = [3]): ProgramSpec => ({
  name: 'test',
  fn,
  parameters: {},
  batch: { x: { shape, dtype: 'float32' } },
});
const opsOf = (spec: ProgramSpec): string[] => optimize(trace(spec).graph, 'fast').nodes.map(({ op }) => op);
async function failure(fn: TensorFunction): Promise<MaeError> {
  return engine.compile(specFor(fn)).then(
    () => Promise.reject(new Error('nothing was refused')),
    (error: unknown) => error as MaeError,
  );
}

describe('what cannot be traced', () => {
  it('names an op that has no rule, and the line that calls it', async () => {
    const error = await failure((_, { x: input }) => ({ spectrum: tf.real(tf.spectral.rfft(input!)) }));
    expect(error.code).toBe('TRACE_UNSUPPORTED');
    expect(error.message).toMatch(/the TF\.js op \w+ cannot be compiled to ONNX — .*trace\.test\.ts:\d+:\d+/);
  });

  it('says that it is a gradient that needs the op', async () => {
    const fn: TensorFunction = (_, { x: input }) => ({
      loss: tf.sum(tf.depthwiseConv2d(input as tf.Tensor4D, tf.ones([2, 2, 1, 1]), 1, 'same')),
    });
    const error = await engine
      .compile({ ...specFor(fn, [1, 4, 4, 1]), gradients: ['x'] })
      .catch((cause: unknown) => cause as MaeError);
    expect((error as MaeError).message).toMatch(
      /^the TF\.js op DepthwiseConv2dNativeBackpropInput, which a gradient needs, cannot be compiled to ONNX — write/,
    );
  });

  it('refuses to read a value, with the line', async () => {
    const error = await failure((_, { x: input }) => ({ y: tf.mul(input!, tf.max(input!).dataSync()[0]!) }));
    expect(error.message).toContain('dataSync');
    expect(error.where).toMatch(/trace\.test\.ts:\d+:\d+$/);
  });

  it('refuses random numbers, which would be the same in every run', async () => {
    const error = await failure((_, { x: input }) => ({ y: tf.add(input!, tf.randomNormal([3])) }));
    expect(error.message).toContain('random');
    expect(error.where).toMatch(/trace\.test\.ts:\d+:\d+$/);
    expect((await failure((_, { x: input }) => ({ y: tf.dropout(input!, 0.5) }))).code).toBe('TRACE_UNSUPPORTED');
  });

  it('refuses a tensor kept from another run', async () => {
    let kept: tf.Tensor | undefined;
    const keeps: TensorFunction = (_, { x: input }) => {
      kept ??= tf.keep(tf.exp(input!));
      return { y: tf.add(input!, kept) };
    };
    await engine.compile(specFor(keeps, [3]));
    const error = await engine.compile(specFor(keeps, [1, 3])).catch((cause: unknown) => cause as MaeError);
    expect((error as MaeError).message).toContain('kept from an earlier run');
  });

  it('leaves TF.js as it was after an error', async () => {
    await tf.setBackend('cpu');
    await failure(() => {
      throw new Error('from the model');
    }).then(({ message }) => expect(message).toBe('from the model'));
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.add(1, 1).arraySync()).toBe(2);
  });
});

describe('a traced function', () => {
  it('may return inputs, constants, and one tensor twice', async () => {
    const program = await engine.compile(
      specFor((_, { x: input }) => {
        const doubled = tf.mul(input!, 2);
        return { input: input!, again: input!, doubled, same: doubled, one: tf.ones([2]), table: tf.tensor1d([1, 2]) };
      }),
    );
    const result = await program.run(new Map(), { x: x([1, 2, 3]) });
    expect(Object.fromEntries(Object.entries(result).map(([name, { data }]) => [name, [...data]]))).toEqual({
      input: [1, 2, 3],
      again: [1, 2, 3],
      doubled: [2, 4, 6],
      same: [2, 4, 6],
      one: [1, 1],
      table: [1, 2],
    });
  });

  it('takes tensors made before as constants, by all their values', async () => {
    await tf.setBackend('cpu');
    const first = Array.from({ length: 5000 }, (_, index) => index);
    const second = [...first.slice(0, -1), -1];
    const [a, b] = [tf.tensor1d(first), tf.tensor1d(second)];
    const program = await engine.compile(
      specFor((_, { x: input }) => ({ y: tf.add(tf.sum(tf.sub(a, b)), tf.sum(input!)) })),
    );
    expect((await program.run(new Map(), { x: x([0, 0, 0]) })).y!.data[0]).toBe(5000);
  });

  it('may read values that are known while tracing', async () => {
    const program = await engine.compile(
      specFor((_, { x: input }) => ({ y: tf.mul(input!, tf.scalar(3).dataSync()[0]!) })),
    );
    expect([...(await program.run(new Map(), { x: x([1, 2, 3]) })).y!.data]).toEqual([3, 6, 9]);
  });

  it('is compiled once per function and shapes', async () => {
    let numTraces = 0;
    const fn: TensorFunction = (_, { x: input }) => {
      numTraces++;
      return { y: tf.neg(input!) };
    };
    await engine.compile(specFor(fn));
    const program = await engine.compile(specFor(fn));
    expect(numTraces).toBe(1);
    expect((await program.run(new Map(), { x: x([1, 2, 3]) })).y!.data[2]).toBe(-3);
    await engine.compile(specFor(fn, [4]));
    expect(numTraces).toBe(2);
  });

  it('leaves no tensor behind', async () => {
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const spec = specFor((_, { x: input }) => ({ loss: tf.sum(tf.square(tf.softmax(input!))) }));
    await engine.compile({ ...spec, gradients: ['x'] });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('writes gradients by entries of the batch into the results', async () => {
    const spec = specFor((_, { x: input }) => ({ loss: tf.sum(tf.square(input!)) }));
    const program = await engine.compile({ ...spec, gradients: ['x'] });
    const result = await program.run(new Map(), { x: x([1, 2, 3]) });
    expect([...result['grad.x']!.data]).toEqual([2, 4, 6]);
  });
});

describe('the graph', () => {
  it('has no node for ones, zeros and broadcasts of plain gradients', () => {
    const spec = specFor((_, { x: input }) => ({ loss: tf.sum(input!) }), [512, 512]);
    const { nodes, initializers } = optimize(trace({ ...spec, gradients: ['x'] }).graph, 'fast');
    expect(nodes.map(({ op }) => op).sort()).toEqual(['Expand', 'ReduceSum']);
    expect(initializers.every(({ data }) => data.length <= 2)).toBe(true);
  });

  it('computes equal things once and unused things never', () => {
    expect(
      opsOf(
        specFor((_, { x: input }) => {
          tf.cos(input!);
          return { y: tf.add(tf.exp(input!), tf.exp(input!)) };
        }),
      ),
    ).toEqual(['Exp', 'Add']);
  });

  it('folds a bias into the product, through a reshape too', () => {
    const fn: TensorFunction = ({ weight, bias }, { x: input }) => ({
      y: tf.add(tf.reshape(tf.matMul(tf.reshape(input!, [6, 4]), weight!), [2, 3, 5]), bias!),
    });
    const spec = { ...specFor(fn, [2, 3, 4]), parameters: { weight: [4, 5], bias: [5] } };
    expect(opsOf(spec)).toEqual(['Reshape', 'Gemm', 'Reshape']);
  });

  it('joins transposes and reshapes', () => {
    const fn: TensorFunction = (_, { x: input }) => {
      const back = tf.transpose(tf.transpose(input!, [2, 0, 1]), [1, 2, 0]);
      return { y: tf.neg(tf.reshape(tf.reshape(back, [6, 4]), [3, 8])) };
    };
    expect(opsOf(specFor(fn, [2, 3, 4]))).toEqual(['Reshape', 'Neg']);
  });
});
