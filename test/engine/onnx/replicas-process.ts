import * as tf from '@tensorflow/tfjs';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { allocateOnHeap } from '#core/nn/params.js';

// Run by replicas.test.ts, which waits for its end: one step in two replicas, then the end that is asked for.
const [end] = process.argv.slice(2);
const engine = await createOnnxEngine({ threads: 2 });
const program = await engine.replication!.compile(
  {
    name: 'product',
    fn: ({ a }, { x }) => ({ loss: tf.sum(tf.mul(a!, x!)) }),
    parameters: { a: [1] },
    batch: { x: { shape: [1], dtype: 'float32' } },
    gradients: ['a'],
  },
  2,
);
const gradients = allocateOnHeap({ a: [1] });
const part = (value: number) => ({ x: { shape: [1], dtype: 'float32', data: Float32Array.of(value) } }) as const;
await program.run(allocateOnHeap({ a: [1] }), [part(6), part(10)], gradients);
console.log(gradients.get('a')!.data[0]);
if (end === 'dispose') await engine.dispose();
if (end === 'throw') throw new Error('thrown with replicas alive');
