import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, ProgramSpec, TensorFunction } from '#core/contracts/engine.js';
import type { Batch, ParameterTree } from '#core/contracts/tensor.js';
import { createEngine } from '#core/engine/select.js';
import { stopAtNotFinite } from '#core/engine/stop-at-not-finite.js';

const tree = (values: Readonly<Record<string, readonly number[]>>): ParameterTree =>
  new Map(
    Object.entries(values).map(([name, data]) => [name, { name, shape: [data.length], data: Float32Array.from(data) }]),
  );
const batchOf = (values: Readonly<Record<string, readonly number[]>>): Batch =>
  Object.fromEntries(
    Object.entries(values).map(([name, data]) => [
      name,
      { shape: [data.length], dtype: 'float32' as const, data: Float32Array.from(data) },
    ]),
  );

function specOf(fn: TensorFunction, parameters: ParameterTree, batch: Batch): ProgramSpec {
  return {
    name: 'small.train',
    fn,
    parameters: Object.fromEntries([...parameters].map(([name, { shape }]) => [name, shape])),
    batch: Object.fromEntries(Object.entries(batch).map(([name, { shape, dtype }]) => [name, { shape, dtype }])),
    gradients: [...parameters.keys()],
  };
}

function scaledLogarithm(x: tf.Tensor, scale: tf.Tensor): tf.Tensor {
  return tf.log(tf.mul(x, scale));
}

function innerLoss(x: tf.Tensor, scale: tf.Tensor): tf.Tensor {
  return tf.mean(scaledLogarithm(x, scale));
}

const logarithm: TensorFunction = ({ scale, shift }, { x }) => ({
  loss: tf.add(innerLoss(x!, scale!), tf.mean(shift!)).asScalar(),
});
const shift = [0.5];

describe.each(['cpu', 'javascript', 'wasm'] as const)('not finite on %s', (device) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = stopAtNotFinite(await createEngine({ device, threads: 1 }));
  });
  afterAll(async () => {
    await engine.dispose();
  });
  const run = async (fn: TensorFunction, parameters: ParameterTree, batch: Batch) => {
    const program = await engine.compile(specOf(fn, parameters, batch));
    const gradients = new Map(
      [...parameters].map(([name, { shape, data }]) => [name, { name, shape, data: new Float32Array(data.length) }]),
    );
    const outputs = await program.run(parameters, batch, gradients);
    return { outputs, gradients };
  };
  const message = async (...given: Parameters<typeof run>): Promise<string> => {
    const error: unknown = await run(...given).then(
      () => expect.fail('nothing was thrown'),
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'MaeError', code: 'LOSS_NOT_FINITE' });
    return (error as Error).message;
  };

  it('says nothing of what is finite', async () => {
    const { outputs } = await run(logarithm, tree({ scale: [1, 2, 4], shift }), batchOf({ x: [1, 1, 1] }));
    expect(outputs.loss!.data[0]).toBeCloseTo((Math.log(2) + Math.log(4)) / 3 + 0.5, 5);
  });

  it('names the logarithm of a negative number, where the model asks for it, and what goes in', async () => {
    const text = await message(logarithm, tree({ scale: [1, 2, 4], shift }), batchOf({ x: [1, -0.5, 3] }));
    expect(text).toMatch(/^the loss of small\.train is NaN\n/);
    expect(text).toMatch(/^parameters: all 2 are finite$/m);
    expect(text).toMatch(/^batch: all 1 are finite$/m);
    expect(text).toMatch(
      /^operators: the first is Log, in .*innerLoss › scaledLogarithm \(.*stop-at-not-finite\.test\.ts:\d+:\d+\), near "scale": makes 1 NaN of 3, the first at \[1\] out of from -1 to 12$/m,
    );
  });

  it('names a poisoned parameter first, and the operator that meets it', async () => {
    const parameters = tree({ scale: [1, Number.NaN, 4], shift: [Number.POSITIVE_INFINITY] });
    const text = await message(logarithm, parameters, batchOf({ x: [1, 1, 1] }));
    expect(text).toMatch(/^parameters: 2 of 2 not finite, the first is "scale" \(1 NaN of 3, the first at \[1\]\)$/m);
    expect(text).toMatch(/^operators: the first is Mul\w*, in .*scaledLogarithm \(.*, near "scale"/m);
    expect(text).toMatch(/spoilt before this step/);
  });

  it('names an entry of the batch', async () => {
    const text = await message(logarithm, tree({ scale: [1, 2], shift }), batchOf({ x: [Number.NaN, 1] }));
    expect(text).toMatch(/^batch: 1 of 1 not finite, the first is "x" \(1 NaN of 2, the first at \[0\]\)$/m);
    expect(text).toMatch(/look for values like these in the data/);
  });

  it('names 0 / 0, and not the infinity that a mask hides', async () => {
    const fn: TensorFunction = ({ scale }, { x }) => {
      const hidden = tf.where(tf.greater(x!, 0), tf.log(x!), tf.zerosLike(x!));
      const ratio = tf.div(tf.sub(x!, x!), tf.mul(tf.sub(x!, x!), scale!));
      return { loss: tf.mean(tf.add(hidden, ratio)).asScalar() };
    };
    const text = await message(fn, tree({ scale: [1, 1] }), batchOf({ x: [0, 2] }));
    expect(text).toMatch(
      /^operators: the first is (Real)?Div, in fn \(.*: makes 2 NaN of 2, the first at \[0\] out of/m,
    );
    expect(text).toMatch(/out of from 0 to 0; from 0 to 0$/m);
  });

  it('names the operator and the first of the gradients where the loss is finite', async () => {
    const fn: TensorFunction = ({ scale, shift: unharmed }, { x }) => ({
      loss: tf.add(tf.mean(tf.sqrt(tf.mul(x!, scale!))), tf.mean(unharmed!)).asScalar(),
    });
    const text = await message(fn, tree({ shift, scale: [1, 1] }), batchOf({ x: [0, 4] }));
    expect(text).toMatch(/^the loss of small\.train is finite, its gradients are not\n/);
    expect(text).toMatch(/^operators: the first is (Real)?Div\w*, in the gradient of .*: makes 1 infinite of 2/m);
    expect(text).toMatch(/^gradients: 1 of 2 not finite, the first is "scale" \(1 NaN of 2, the first at \[0\]\)$/m);
  });

  it('leaves programs without gradients alone', async () => {
    const fn: TensorFunction = (_, { x }) => ({ scores: tf.log(x!) });
    const program = await engine.compile({ ...specOf(fn, new Map(), batchOf({ x: [0, -1] })), gradients: [] });
    const { scores } = await program.run(new Map(), batchOf({ x: [0, -1] }));
    expect([...scores!.data]).toEqual([Number.NEGATIVE_INFINITY, Number.NaN]);
  });
});

describe('not finite in the compiled engine', () => {
  it('is found in either part of a program in two, and in a replica', async () => {
    const engine = stopAtNotFinite(await createEngine({ device: 'cpu', threads: 2 }));
    try {
      const fn: TensorFunction = ({ scale }, { x, y }) => {
        const logs = scaledLogarithm(x!, scale!);
        return { logs, loss: tf.mean(tf.div(logs, y!)).asScalar() };
      };
      const parameters = tree({ scale: [1, 1] });
      const good = batchOf({ x: [2, 3], y: [1, 1] });
      const { x, y } = good as { x: Batch[string]; y: Batch[string] };
      const spec = specOf(fn, parameters, good);
      const inTwo = await engine.compileInTwo!(spec, ['y']);
      const negative = batchOf({ x: [2, -3] });
      await expect(inTwo.first(parameters, negative)).rejects.toThrow(
        /"logs" of small\.train is not finite\n[^]*the first is Log, in/,
      );
      await inTwo.first(parameters, { x });
      const zero = batchOf({ y: [0, 1] });
      const gradients = tree({ scale: [0, 0] });
      await expect(inTwo.second(parameters, { x, ...zero }, gradients)).rejects.toThrow(
        /the loss of small\.train is Infinity\n[^]*the first is Div, in/,
      );
      await inTwo.dispose();
      const replicas = await engine.replication!.compile(spec, 2);
      await expect(replicas.run(parameters, [good, { ...negative, y }], gradients)).rejects.toThrow(
        /the loss of small\.train is NaN\n[^]*the first is Log, in/,
      );
      await replicas.dispose();
    } finally {
      await engine.dispose();
    }
  });
});
