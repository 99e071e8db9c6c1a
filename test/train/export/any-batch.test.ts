import * as tf from '@tensorflow/tfjs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { createRandom } from '#core/base/random.js';
import type { ExportedProgram } from '#core/contracts/objective.js';
import type { ParameterTree, TensorSpec } from '#core/contracts/tensor.js';
import { sizeOf } from '#core/contracts/tensor.js';
import { exportOnnx, exportOnnxOfAnySize } from '#core/engine/export-onnx.js';
import { encodeImages, vitBackbone } from '#core/models/vit.js';
import { initializeParameters } from '#core/nn/params.js';
import type { TaskModel } from '#core/contracts/task.js';
import { classifySettings, classifyTask } from '@mae-tasks/plugin-classify';
import { detectSettings, detectTask } from '@mae-tasks/plugin-detect';
import { segmentSettings, segmentTask } from '@mae-tasks/plugin-segment';
import { TINY_DETECTOR, TINY_ONE_STAGE } from '../../detect/tiny-detector.js';

const vit = {
  imageSize: [64, 48],
  patchSize: 8,
  inChannels: 3,
  embedDim: 32,
  depth: 4,
  numHeads: 2,
  mlpRatio: 2,
} as const;
const statistics = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
const shared = { vit, backbone: vitBackbone, dropPath: 0, statistics, mode: 'full' as const };
const classNames = ['a', 'b', 'c'];

function classifier(settings: object, mode: 'full' | 'linear-probe' = 'full'): TaskModel {
  const facts = { classNames, counts: [1, 1, 1] };
  return classifyTask.createModel({ ...shared, mode, settings: classifySettings.parse(settings), facts });
}

function segmenter(settings: object): TaskModel {
  const facts = { classNames, frequencies: [0.5, 0.3, 0.2] };
  return segmentTask.createModel({
    ...shared,
    settings: segmentSettings.parse(settings),
    facts: facts as never,
  });
}

function detector(settings: object, imageSize: readonly [number, number]): TaskModel {
  const facts = { classNames, categoryIds: [1, 2, 3] };
  return detectTask.createModel({
    ...shared,
    vit: { ...vit, imageSize },
    settings: detectSettings.parse(settings),
    facts: facts,
  });
}

const encoder: ExportedProgram = {
  fn: (parameters, { images }) => ({
    tokens: tf.transpose(encodeImages(parameters, images as tf.Tensor4D, vit), [1, 0, 2]),
  }),
  batchSpec: (batchSize) => ({ images: { shape: [batchSize, 64, 48, 3], dtype: 'float32' } }),
};
const plainVit = {
  objective: { parameters: vitBackbone.parameters(vit) },
  programs: { vit: encoder },
} as unknown as TaskModel;

const models: ReadonlyArray<readonly [name: string, make: () => TaskModel]> = [
  ['an encoder', () => plainVit],
  ['a classifier on the mean', () => classifier({ pool: 'mean' })],
  ['a classifier on the class token', () => classifier({ pool: 'class-token' })],
  ['a classifier that looks twice', () => classifier({ testTimeFlip: true })],
  ['a linear probe', () => classifier({}, 'linear-probe')],
  ['a segmenter of transposed convolutions', () => segmenter({ decoder: 'deconv', deconv: { channels: [16, 8] } })],
  ['a segmenter with details', () => segmenter({ decoder: 'deconv', deconv: { channels: [16, 8], detail: 8 } })],
  ['a linear segmenter', () => segmenter({ decoder: 'linear' })],
  ['a UPerNet', () => segmenter({ decoder: 'upernet', upernet: { channels: 16 } })],
  ['a UPerNet with group norms', () => segmenter({ decoder: 'upernet', upernet: { channels: 16 }, norm: 'layer' })],
  ['a detector of one stage', () => detector(TINY_ONE_STAGE, [64, 64])],
  ['a detector of one stage with masks', () => detector({ ...TINY_ONE_STAGE, masks: true }, [64, 64])],
  ['a Mask R-CNN', () => detector({ ...TINY_DETECTOR, masks: true }, [64, 64])],
  ['a cascade', () => detector({ ...TINY_DETECTOR, cascade: true }, [64, 64])],
];

function programsOf({ programs, prediction }: TaskModel): Array<[string, ExportedProgram]> {
  return programs === undefined ? [['forward', prediction.forward as ExportedProgram]] : Object.entries(programs);
}

/** Values for entries of a batch, the same for a row wherever it stands. */
function valuesOf(
  spec: Readonly<Record<string, TensorSpec>>,
  rows: number,
  drawn: (key: string, row: number) => Float32Array,
) {
  return Object.fromEntries(
    Object.entries(spec).map(([key, { shape, dtype }]) => {
      const own = Array.from({ length: rows }, (_, row) => [...drawn(key, row)]).flat();
      const dims = [rows, ...shape.slice(1)];
      return [
        key,
        dtype === 'int32'
          ? new Tensor(
              'int32',
              Int32Array.from(own, (value) => Math.abs(value) % 3),
              dims,
            )
          : new Tensor('float32', Float32Array.from(own), dims),
      ];
    }),
  );
}

describe('programs exported for any number of pictures', () => {
  it.each(models)('answer for each as they do for one alone: %s', { timeout: 120_000 }, async (_name, make) => {
    const model = make();
    const specs = model.objective.parameters;
    const parameters: ParameterTree = initializeParameters(specs, createRandom(3));
    // Initial biases are 0 and running variances 1, whatever the seed.
    for (const { data } of parameters.values())
      data.forEach((value, index) => (data[index] = value + 0.01 * (index % 7)));
    const shapes = Object.fromEntries([...parameters].map(([key, { shape }]) => [key, shape]));
    for (const [name, program] of programsOf(model)) {
      const spec = { name, fn: program.fn, parameters: shapes };
      const anySize = exportOnnxOfAnySize({ ...spec, batchSpec: (size) => program.batchSpec(size) }, parameters);
      const session = await InferenceSession.create(anySize);
      const ofOne = program.batchSpec(1);
      const drawn = (key: string, row: number): Float32Array => {
        const random = createRandom(100 + row).fork(key);
        return Float32Array.from({ length: sizeOf(ofOne[key]!.shape.slice(1)) }, () => random.normal());
      };
      const alone: Array<Record<string, Float32Array>> = [];
      for (const rows of [1, 2, 5]) {
        const results = await session.run(valuesOf(ofOne, rows, drawn));
        for (const [key, { data, dims }] of Object.entries(results)) {
          expect(dims[0], `${name}.${key}`).toBe(rows);
          const length = data.length / rows;
          for (let row = 0; row < rows; row++) {
            const own = (data as Float32Array).slice(row * length, (row + 1) * length);
            if (alone[row]?.[key] === undefined) {
              const feeds = valuesOf(ofOne, 1, (entry) => drawn(entry, row));
              const single = await session.run(feeds);
              alone[row] = Object.fromEntries(
                Object.entries(single).map(([each, value]) => [each, value.data as Float32Array]),
              );
            }
            const expected = alone[row]![key]!;
            const largest = expected.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-6);
            own.forEach((value, index) => {
              if (Math.abs(value - expected[index]!) > 1e-5 * largest) {
                expect.fail(
                  `${name}.${key}, row ${row} of ${rows}, place ${index}: ${value}, alone ${expected[index]}`,
                );
              }
            });
          }
        }
      }
      // The same numbers as the program that was traced at this very size.
      const size = Object.values(ofOne)[0]!.shape[0]!;
      const fixed = await InferenceSession.create(exportOnnx({ ...spec, batch: ofOne }, parameters));
      const feeds = valuesOf(ofOne, size, drawn);
      const [expected, actual] = [await fixed.run(feeds), await session.run(feeds)];
      for (const [key, { data, dims }] of Object.entries(expected)) {
        expect(actual[key]!.dims).toEqual(dims);
        const values = actual[key]!.data as Float32Array;
        const largest = (data as Float32Array).reduce((top, value) => Math.max(top, Math.abs(value)), 1e-6);
        const worst = (data as Float32Array).reduce(
          (top, value, index) => Math.max(top, Math.abs(value - values[index]!)),
          0,
        );
        expect(worst / largest, `${name}.${key}`).toBeLessThan(1e-5);
      }
      await session.release();
      await fixed.release();
    }
  });

  it('are refused where they depend on the number in another way, with the operator', () => {
    const parameters: ParameterTree = new Map();
    const spec = (fn: (images: tf.Tensor4D) => tf.Tensor) => ({
      name: 'uneven',
      fn: (_: unknown, { images }: Record<string, tf.Tensor>) => ({ out: fn(images as tf.Tensor4D) }),
      parameters: {},
      batchSpec: (size: number) => ({ images: { shape: [size, 2, 2, 3], dtype: 'float32' as const } }),
    });
    const rows = spec((images) => tf.addN(tf.unstack(images)));
    expect(() => exportOnnxOfAnySize(rows as never, parameters)).toThrow(
      /other operators at other sizes \(\d+ and \d+\), so one file cannot take any number of pictures — uneven — .*--batch 1/,
    );
    const pairs = spec((images) => tf.matMul(tf.reshape(images, [images.shape[0], 12]), tf.reshape(images, [12, -1])));
    expect(() => exportOnnxOfAnySize(pairs as never, parameters)).not.toThrow();
    const table = spec((images) => tf.add(images, tf.reshape(tf.range(0, images.shape[0]), [-1, 1, 1, 1])));
    expect(() => exportOnnxOfAnySize(table as never, parameters)).toThrow(/takes a constant that depends on the size/);
  });
});
