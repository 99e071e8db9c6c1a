import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { createOnnxEngine } from '#core/engine/onnx.js';

// A file of its own: no TF.js backend has been used in this process yet.
it('compiling as the first thing leaves TF.js ready for eager use', async () => {
  const engine = await createOnnxEngine({ threads: 1 });
  await engine.compile({
    name: 'first',
    fn: (_, { x }) => ({ y: tf.exp(x!) }),
    parameters: {},
    batch: { x: { shape: [2], dtype: 'float32' } },
  });
  expect(tf.getBackend()).toBe('cpu');
  expect(tf.add(1, 2).arraySync()).toBe(3);
  await engine.dispose();
});
