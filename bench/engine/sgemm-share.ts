import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { createOnnxEngine } from '../../packages/core-mae/src/engine/onnx.js';
import { defaultMaskOptions, type MaeConfig } from '../../packages/core-mae/src/models/mae-config.js';
import { countVisible } from '../../packages/core-mae/src/models/masking.js';
import { patchGrid } from '../../packages/core-mae/src/models/vit-config.js';
import { benchFile, compare, reportMeasurement } from '../compare.js';
import { stepSettings, timeSteps } from '../training/mae-step.js';

const SIZE = 2048;
const RUNS = 12;
const ROUNDS = 3;

/**
 * How much of the machine's speed at multiplying large matrices a training step reaches. The machine's peak is the
 * fastest product of any library here, ours (ONNX Runtime) or the peer's (PyTorch's BLAS). `ratio` is the share: the
 * multiplications and additions that the matrix products of a forward and backward pass need, over the time of the
 * fastest pass, over the peak; higher is better, 1 is the limit. `medianRatio` is that of the usual pass.
 */
export async function run(): Promise<object[]> {
  const ours = [benchFile('engine/sgemm-share.ts')];
  const product = compare('sgemm', ROUNDS, ours, [benchFile('peers/torch_sgemm.py'), String(SIZE), String(RUNS)]);
  const gigaflops = (seconds: number): number => (2 * SIZE ** 3) / seconds / 1e9;
  const peaks = { ours: gigaflops(product.ours.seconds), peer: gigaflops(product.peer.seconds) };
  const peak = Math.max(peaks.ours, peaks.peer);
  const results: object[] = [];
  for (const [key, setting] of Object.entries(stepSettings)) {
    const { seconds, optimizerSeconds, fastestPass } = await timeSteps({ ...setting, steps: RUNS });
    const needed = setting.batchSize * stepFlops(setting.config);
    const reached = needed / fastestPass / 1e9;
    const usual = needed / (seconds - optimizerSeconds) / 1e9;
    const name = `sgemm-share (${key})`;
    const shared = { reachedGflops: reached, peakGflops: peaks, setting: product.setting, better: 'higher' };
    results.push({
      name,
      ratio: reached / peak,
      medianRatio: usual / peak,
      ofOurProduct: reached / peaks.ours,
      ...shared,
    });
  }
  return results;
}

/** Floating-point operations of a picture's matrix products, forwards and backwards. */
function stepFlops(config: MaeConfig): number {
  const { numPatches, patchValues } = patchGrid(config);
  const { embedDim, depth, decoderEmbedDim, decoderDepth, mlpRatio } = config;
  const visible = countVisible(numPatches, defaultMaskOptions.maskRatio);
  const block = (tokens: number, width: number): number =>
    tokens * ((4 + 2 * mlpRatio) * width ** 2 + 2 * tokens * width);
  const embedding = visible * patchValues * embedDim;
  // The last decoder block is asked only for removed patches: of the others it computes keys and values alone.
  const unasked = (1 + visible) * ((2 + 2 * mlpRatio) * decoderEmbedDim ** 2 + 2 * (1 + numPatches) * decoderEmbedDim);
  const others =
    depth * block(1 + visible, embedDim) +
    decoderDepth * block(1 + numPatches, decoderEmbedDim) -
    unasked +
    (1 + visible) * embedDim * decoderEmbedDim +
    (numPatches - visible) * decoderEmbedDim * patchValues;
  // Backwards there are two products for each: by the input, which pictures do not need, and by the weight.
  return 2 * (3 * others + 2 * embedding);
}

async function measureProduct(): Promise<void> {
  const engine = await createOnnxEngine();
  const square = { shape: [SIZE, SIZE], dtype: 'float32' } as const;
  const program = await engine.compile({
    name: 'product',
    fn: (_, { a, b }) => ({ product: tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D) }),
    parameters: {},
    batch: { a: square, b: square },
  });
  const values = (): Float32Array => Float32Array.from({ length: SIZE * SIZE }, () => Math.random() - 0.5);
  const batch = { a: { ...square, data: values() }, b: { ...square, data: values() } };
  const times: number[] = [];
  for (let index = 0; index < RUNS + 2; index++) {
    const start = performance.now();
    await program.run(new Map(), batch);
    times.push((performance.now() - start) / 1000);
  }
  await engine.dispose();
  reportMeasurement(Math.min(...times));
}

// As a process of its own: our product, measured.
if (process.argv[1] === fileURLToPath(import.meta.url)) await measureProduct();
