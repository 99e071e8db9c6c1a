import type * as tf from '@tensorflow/tfjs';
import { sum, mul, add, tensor } from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, NamedTensors, ProgramSpec } from '#core/contracts/engine.js';
import { type HostTensor, type ParameterTree, sizeOf } from '#core/contracts/tensor.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { createTfjsEngine } from '#core/engine/tfjs.js';
import { createRandom } from '#core/base/random.js';
import { type Input, type OpCase, opCases } from './op-cases.js';

let onnx: Engine;
let eager: Engine;
beforeAll(async () => {
  onnx = await createOnnxEngine({ threads: 1 });
  eager = await createTfjsEngine({ backend: 'cpu' });
});
afterAll(async () => {
  await onnx.dispose();
});

interface Prepared {
  readonly spec: ProgramSpec;
  readonly parameters: ParameterTree;
  readonly batch: Record<string, HostTensor>;
}

const random = createRandom(11);

/** Float inputs are parameters, the others the batch; the loss weighs every output element differently. */
function prepare({ name, inputs, fn, gradient = true }: OpCase): Prepared {
  const stream = random.fork(name);
  const parameters: ParameterTree = new Map(
    inputs.flatMap((input, index) => {
      if (input.dtype !== undefined) return [];
      const { shape, map = (value: number) => value } = input;
      const data = Float32Array.from({ length: sizeOf(shape) }, () => map(stream.normal()));
      return [[`input${index}`, { name: `input${index}`, shape, data }] as const];
    }),
  );
  const batch = Object.fromEntries(
    inputs.flatMap((input, index) => (input.dtype === undefined ? [] : [[`input${index}`, whole(input)] as const])),
  );
  function whole({ shape, dtype, below }: Input): HostTensor {
    const values = Array.from({ length: sizeOf(shape) }, () => stream.integer(below!));
    return { shape, dtype: dtype!, data: dtype === 'bool' ? Uint8Array.from(values) : Int32Array.from(values) };
  }
  const spec: ProgramSpec = {
    name,
    fn: (given: NamedTensors, others: NamedTensors) => {
      const result = fn(...inputs.map((_, index) => (given[`input${index}`] ?? others[`input${index}`])!));
      const results = Array.isArray(result) ? result : [result];
      const outputs = Object.fromEntries(results.map((output, index) => [`output${index}`, output]));
      if (!gradient || parameters.size === 0) return outputs;
      return { ...outputs, loss: results.map((output, index) => weighted(output, index)).reduce((a, b) => add(a, b)) };
    },
    parameters: Object.fromEntries([...parameters.values()].map(({ name: key, shape }) => [key, shape])),
    batch: Object.fromEntries(Object.entries(batch).map(([key, { shape, dtype }]) => [key, { shape, dtype }])),
    gradients: gradient ? [...parameters.keys()] : [],
  };
  return { spec, parameters, batch };
}

function weighted(output: tf.Tensor, index: number): tf.Tensor {
  const weights = Float32Array.from({ length: output.size }, (_, place) => Math.sin(1 + place * 1.7 + index));
  return sum(mul(output, tensor(weights, output.shape)));
}

const zerosLike = (tree: ParameterTree): ParameterTree =>
  new Map([...tree].map(([name, { shape, data }]) => [name, { name, shape, data: new Float32Array(data.length) }]));

async function runOn(engine: Engine, { spec, parameters, batch }: Prepared) {
  const program = await engine.compile(spec);
  const gradients = zerosLike(parameters);
  const outputs = await program.run(parameters, batch, gradients);
  return { outputs, gradients, specs: program.outputs };
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) {
    if (Number.isNaN(a[i]!) && Number.isNaN(b[i]!)) continue;
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
  }
  return difference;
}
const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce<number>((top, value) => Math.max(top, Math.abs(value)), 1e-3);

describe.each(opCases)('$name', (opCase) => {
  it('gives the same values traced and eager', async () => {
    const prepared = prepare(opCase);
    const traced = await runOn(onnx, prepared);
    const expected = await runOn(eager, prepared);
    expect(traced.specs).toEqual(expected.specs);
    for (const [name, { data }] of Object.entries(expected.outputs)) {
      const actual = traced.outputs[name]!.data;
      // The loss is a sum of larger terms of either sign.
      const size = name === 'loss' ? Math.max(1, largest(data)) : largest(data);
      expect(largestDifference(actual, data), name).toBeLessThanOrEqual(1e-5 * size);
    }
    if (opCase.eagerGradientIsWrong !== undefined) return;
    for (const [name, { data }] of expected.gradients) {
      const actual = traced.gradients.get(name)!.data;
      expect(largestDifference(actual, data), `gradient of ${name}`).toBeLessThanOrEqual(1e-5 * largest(data));
    }
  });

  if (opCase.gradient === false || opCase.inputs.every(({ dtype }) => dtype !== undefined)) return;
  it('has the gradient that finite differences give', async () => {
    const prepared = prepare(opCase);
    const { gradients } = await runOn(onnx, prepared);
    const program = await onnx.compile(prepared.spec);
    const step = 3e-3;
    for (const [name, { data }] of prepared.parameters) {
      // Along a random direction: all elements at once, each with its own weight.
      const stream = random.fork('direction', opCase.name, name);
      const direction = Float32Array.from(data, () => stream.normal());
      const lossAt = async (distance: number): Promise<number> => {
        const moved = new Map(prepared.parameters);
        const shifted = data.map((value, i) => value + distance * direction[i]!);
        moved.set(name, { ...prepared.parameters.get(name)!, data: shifted });
        const { loss } = await program.run(moved, prepared.batch, zerosLike(prepared.parameters));
        return loss!.data[0]!;
      };
      const [above, below] = [await lossAt(step), await lossAt(-step)];
      const slope = (above - below) / (2 * step);
      const gradient = gradients.get(name)!.data;
      const expected = gradient.reduce((total, value, i) => total + value * direction[i]!, 0);
      const size = gradient.reduce((total, value, i) => total + Math.abs(value * direction[i]!), 0.1);
      expect(Math.abs(slope - expected) / size, name).toBeLessThan(5e-3);
    }
  });
});
