import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { createOnnxEngine } from '../../packages/core-mae/src/engine/onnx.js';
import { encodeImages, vitNormSpecs, vitSpecs } from '../../packages/core-mae/src/models/vit.js';
import { presets } from '../../packages/core-mae/src/models/presets.js';
import { layerNorm } from '../../packages/core-mae/src/nn/layer-norm.js';
import { initializeParameters, shapesOf } from '../../packages/core-mae/src/nn/params.js';
import { createRandom } from '../../packages/core-mae/src/base/random.js';
import { benchFile, compare, type Comparison, reportMeasurement } from '../compare.js';

const BATCH_SIZES = [1, 16];
const ROUNDS = 3;
const RUNS = 9;

/** ViT-B/16's class token for pictures of 224 pixels against PyTorch eager, at batch 1 and 16. */
export function run(): Comparison[] {
  return BATCH_SIZES.map((batchSize) =>
    compare(
      `inference (batch ${batchSize})`,
      ROUNDS,
      [benchFile('engine/inference.ts'), String(batchSize)],
      [benchFile('peers/torch_vit.py'), String(batchSize), String(RUNS)],
    ),
  );
}

async function measure(batchSize: number): Promise<void> {
  const config = presets.base;
  const specs = { ...vitSpecs(config, 'sinCos'), ...vitNormSpecs(config) };
  const parameters = initializeParameters(specs, createRandom(0));
  const engine = await createOnnxEngine();
  const program = await engine.compile({
    name: 'vit',
    fn: (given, { images }) => {
      const tokens = encodeImages(given, images as tf.Tensor4D, config);
      const clsToken = tf.slice(tokens, 0, 1);
      return { features: layerNorm(clsToken, given['norm.weight']!, given['norm.bias']!) };
    },
    parameters: shapesOf(specs),
    batch: { images: { shape: [batchSize, 224, 224, 3], dtype: 'float32' } },
  });
  const shape = [batchSize, 224, 224, 3];
  const images = { shape, dtype: 'float32' as const, data: new Float32Array(batchSize * 224 * 224 * 3).fill(0.5) };
  const times: number[] = [];
  for (let index = 0; index < RUNS + 2; index++) {
    const start = performance.now();
    await program.run(parameters, { images });
    if (index >= 2) times.push((performance.now() - start) / 1000);
  }
  await engine.dispose();
  reportMeasurement(times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!);
}

// As a process of its own: one batch size, measured.
if (process.argv[1] === fileURLToPath(import.meta.url)) await measure(Number(process.argv[2]));
