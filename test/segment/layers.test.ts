import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import type { Parameter, ParameterTree } from '#core/contracts/tensor.js';
import { batchNorm } from '#core/nn/batch-norm.js';
import { conv2d, transposedConv2d } from '#core/nn/conv.js';
import { groupNorm } from '#core/nn/group-norm.js';
import { layerNorm } from '#core/nn/layer-norm.js';
import { allocateOnHeap } from '#core/nn/params.js';
import { adaptiveAveragePool, maxPool } from '#core/nn/pool.js';
import { resizeBilinear } from '#core/nn/resize-bilinear.js';
import type { Scope } from '#core/nn/scope.js';
import { scope } from '#core/nn/scope.js';
import { diceLoss, type OhemOptions, pixelCrossEntropy } from '../../packages/plugin-segment/src/loss.js';
import { chosenEngines } from '../models/chosen-engines.js';
import { expectClose, readReference, type Reference } from '../models/reference.js';

const FORWARD = 1e-5;
const GRADIENT = 1e-4;

let reference: Reference;
beforeAll(async () => {
  reference = await readReference('segment/layers.safetensors');
});

type Layer = (x: tf.Tensor4D, parameter: Scope) => tf.Tensor | { y: tf.Tensor; state: Record<string, tf.Tensor> };

const size = (text: string): { height: number; width: number } => {
  const [height, width] = text.split('x').map(Number) as [number, number];
  return { height, width };
};
const resized = ['11x9', '3x14', '1x1', '5x20'].flatMap((to): Array<[string, Layer]> => [
  [`resize.borders.${to}`, (x) => resizeBilinear(x, size(to))],
  [`resize.corners.${to}`, (x) => resizeBilinear(x, size(to), { alignCorners: true })],
]);
const layers: ReadonlyArray<readonly [string, Layer]> = [
  ['conv1', (x, parameter) => conv2d(x, parameter('weight'), parameter<tf.Tensor1D>('bias'))],
  ['conv3', (x, parameter) => conv2d(x, parameter('weight'), parameter<tf.Tensor1D>('bias'))],
  ['deconv', (x, parameter) => transposedConv2d(x, parameter('weight'), parameter('bias'))],
  ...resized,
  ...['1x1', '2x2', '3x3', '5x6'].map((to): [string, Layer] => [
    `adaptive.${to}`,
    (x) => adaptiveAveragePool(x, size(to)),
  ]),
  ['maxpool', (x) => maxPool(x, 2)],
  ['group', (x, parameter) => groupNorm(x, parameter('weight'), parameter('bias'), 3)],
  ['layer', (x, parameter) => layerNorm(x, parameter('weight'), parameter('bias'))],
  ['batch.eval', (x, parameter) => batchNorm(parameter, x, { training: false }).normed],
  [
    'batch.train',
    (x, parameter) => {
      const { normed, state } = batchNorm(parameter, x, { training: true });
      return { y: normed, state: { ...state } };
    },
  ],
];

function parametersOf(name: string): ParameterTree {
  const prefix = `${name}.p.`;
  const tree = new Map<string, Parameter>();
  for (const stored of reference.names.filter((each) => each.startsWith(prefix))) {
    const key = stored.slice(prefix.length);
    tree.set(key, { name: key, shape: reference.shape(stored), data: reference.float32(stored) });
  }
  if (name.startsWith('batch')) {
    for (const key of ['running_mean', 'running_var']) {
      const stored = `batch.before.${key}`;
      tree.set(key, { name: key, shape: reference.shape(stored), data: reference.float32(stored) });
    }
  }
  return tree;
}

const floats = (name: string) =>
  ({ shape: reference.shape(name), dtype: 'float32', data: reference.float32(name) }) as const;

describe.each(chosenEngines())('layers of segmentation, %s, against PyTorch', (_, start) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.dispose());

  it.each(layers)('%s, forwards and backwards', async (name, layer) => {
    const parameters = parametersOf(name);
    const shapes = Object.fromEntries([...parameters].map(([key, { shape }]) => [key, shape]));
    const trained = Object.keys(shapes).filter((key) => reference.names.includes(`${name}.g.${key}`));
    const program = await engine.compile({
      name,
      fn: (named, { x, dy }) => {
        const result = layer(x as tf.Tensor4D, scope(named));
        const { y, state } = result instanceof tf.Tensor ? { y: result, state: {} } : result;
        return { y, loss: tf.sum(tf.mul(y, dy!)), ...state };
      },
      parameters: shapes,
      batch: {
        x: { shape: reference.shape(`${name}.x`), dtype: 'float32' },
        dy: { shape: reference.shape(`${name}.dy`), dtype: 'float32' },
      },
      gradients: [...trained, 'x'],
    });
    const gradients = allocateOnHeap(Object.fromEntries(trained.map((key) => [key, shapes[key]!])));
    const batch = { x: floats(`${name}.x`), dy: floats(`${name}.dy`) };
    const outputs = await program.run(parameters, batch, gradients);
    expectClose(outputs.y!.data, reference.float32(`${name}.y`), FORWARD, name);
    expectClose(outputs['grad.x']!.data, reference.float32(`${name}.dx`), GRADIENT, `${name} by x`);
    for (const [key, { data }] of gradients) {
      expectClose(data, reference.float32(`${name}.g.${key}`), GRADIENT, `${name} by ${key}`);
    }
    if (name === 'batch.train') {
      for (const key of ['running_mean', 'running_var']) {
        expectClose(outputs[key]!.data, reference.float32(`batch.after.${key}`), FORWARD, key);
      }
    }
    program.dispose();
  });

  type Loss = (logits: tf.Tensor4D, labels: tf.Tensor1D, weights: tf.Tensor1D) => tf.Scalar;
  const rows = (logits: tf.Tensor4D): tf.Tensor2D => tf.reshape(logits, [-1, logits.shape[3]]);
  const crossEntropy =
    (ohem?: OhemOptions): Loss =>
    (logits, labels, weights) =>
      pixelCrossEntropy(rows(logits), labels, weights, ohem);
  const dice: Loss = (logits, labels) => {
    const [pictures, height, width, classes] = logits.shape;
    const counted = tf.cast(tf.notEqual(labels, 255), 'float32');
    return diceLoss(
      tf.reshape(logits, [pictures, height * width, classes]),
      tf.reshape(labels, [pictures, -1]),
      tf.reshape(counted, [pictures, -1]),
    );
  };
  const losses: ReadonlyArray<readonly [string, Loss]> = [
    ['plain', crossEntropy()],
    ['weighted', crossEntropy()],
    ['dice', dice],
    // Kept pixels are given for the batch of two pictures.
    ['ohem.thresh', crossEntropy({ thresh: 0.5, minKept: 6 })],
    ['ohem.kept', crossEntropy({ thresh: 0.01, minKept: 24 })],
    ['ohem.all', crossEntropy({ thresh: 0.01, minKept: 2000 })],
    ['ohem.losses', crossEntropy({ thresh: null, minKept: 16 })],
  ];

  it.each(losses)('the loss %s and its gradient', async (name, loss) => {
    const shape = reference.shape('loss.logits');
    const labels = Int32Array.from(reference.numbers('loss.labels'));
    const classWeights = name === 'weighted' ? reference.float32('loss.weights') : [1, 1, 1, 1];
    const raw = Float32Array.from(labels, (label) => classWeights[label] ?? 0);
    const total = raw.reduce((sum, value) => sum + value, 0);
    const program = await engine.compile({
      name,
      fn: (__, batch) => ({
        loss: loss(batch.logits as tf.Tensor4D, batch.labels as tf.Tensor1D, batch.weights as tf.Tensor1D),
      }),
      parameters: {},
      batch: {
        logits: { shape, dtype: 'float32' },
        labels: { shape: [labels.length], dtype: 'int32' },
        weights: { shape: [labels.length], dtype: 'float32' },
      },
      gradients: ['logits'],
    });
    const outputs = await program.run(new Map(), {
      logits: floats('loss.logits'),
      labels: { shape: [labels.length], dtype: 'int32', data: labels },
      weights: { shape: [labels.length], dtype: 'float32', data: raw.map((value) => value / total) },
    });
    expectClose(outputs.loss!.data, reference.float32(`loss.${name}.loss`), FORWARD, name);
    expectClose(outputs['grad.logits']!.data, reference.float32(`loss.${name}.dlogits`), GRADIENT, `${name} by logits`);
    program.dispose();
  });

  it('is 0 with gradients of 0 where no pixel counts', async () => {
    const program = await engine.compile({
      name: 'nothing',
      fn: (_, batch) => ({
        loss: pixelCrossEntropy(
          batch.logits as tf.Tensor2D,
          batch.labels as tf.Tensor1D,
          batch.weights as tf.Tensor1D,
          { thresh: 0.7, minKept: 4 },
        ),
      }),
      parameters: {},
      batch: {
        logits: { shape: [6, 3], dtype: 'float32' },
        labels: { shape: [6], dtype: 'int32' },
        weights: { shape: [6], dtype: 'float32' },
      },
      gradients: ['logits'],
    });
    const outputs = await program.run(new Map(), {
      logits: { shape: [6, 3], dtype: 'float32', data: Float32Array.from({ length: 18 }, (__, index) => index % 5) },
      labels: { shape: [6], dtype: 'int32', data: new Int32Array(6).fill(255) },
      weights: { shape: [6], dtype: 'float32', data: new Float32Array(6) },
    });
    expect(outputs.loss!.data[0]).toBe(0);
    expect(outputs['grad.logits']!.data.every((value) => value === 0)).toBe(true);
  });
});
