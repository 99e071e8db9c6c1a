import { performance } from 'node:perf_hooks';
import type { Engine, ProgramSpec } from '../../packages/core-mae/src/contracts/engine.js';
import type { Batch, ParameterTree } from '../../packages/core-mae/src/contracts/tensor.js';
import { createOnnxEngine, type OnnxEngineOptions } from '../../packages/core-mae/src/engine/onnx.js';
import { vectorKernels } from '../../packages/core-mae/src/engine/kernels/select.js';
import { createParameterArena } from '../../packages/core-mae/src/engine/parameter-arena.js';
import { createMaeBatch, maeBatchSpec } from '../../packages/core-mae/src/models/mae-batch.js';
import { defaultMaskOptions, type MaeConfig, type MaskOptions } from '../../packages/core-mae/src/models/mae-config.js';
import { maeLoss, maeSpecs } from '../../packages/core-mae/src/models/mae.js';
import { presets } from '../../packages/core-mae/src/models/presets.js';
import { initializeParameters, shapesOf, trainableNames } from '../../packages/core-mae/src/nn/params.js';
import { createRandom } from '../../packages/core-mae/src/base/random.js';

/** A model and a batch size that benches share. */
export interface StepSetting {
  readonly config: MaeConfig;
  readonly batchSize: number;
  readonly steps: number;
  /** Threads that each take a part of the batch. Default 1 program that shares all threads. */
  readonly replicas?: number;
  /** Called after each step. */
  readonly onStep?: (step: number) => void;
}

/** (a) ViT-B/16 at 224 pixels with the paper's decoder, batch 8; (b) a small model on small pictures, batch 64. */
export const stepSettings: Readonly<Record<'a' | 'b', StepSetting>> = {
  a: { config: presets.base, batchSize: 8, steps: 5 },
  b: { config: { ...presets.tiny, imageSize: [64, 64], patchSize: 8 }, batchSize: 64, steps: 12 },
};

export interface StepTimes {
  /** Median of a whole step: forward, backward and AdamW. */
  readonly seconds: number;
  readonly optimizerSeconds: number;
  /** Of forward and backward alone. */
  readonly fastestPass: number;
  readonly compileSeconds: number;
  readonly loss: number;
}

/** Times of training steps on random pictures, all parameters updated, after two steps to warm up; with 0 steps it only compiles. */
export async function timeSteps(
  { config, batchSize, steps, replicas = 1, onStep }: StepSetting,
  engineOptions: OnnxEngineOptions = {},
  options: MaskOptions = defaultMaskOptions,
): Promise<StepTimes> {
  const specs = maeSpecs(config, options);
  const allocate = createParameterArena();
  const parameters = initializeParameters(specs, createRandom(0), allocate);
  const trainable = Object.fromEntries(trainableNames(specs).map((name) => [name, specs[name]!.shape]));
  const [gradients, means, squares] = [allocate(trainable), allocate(trainable), allocate(trainable)];
  const engine = await createOnnxEngine(engineOptions);

  const started = performance.now();
  const spec = {
    name: 'mae',
    fn: maeLoss(config, options),
    parameters: shapesOf(specs),
    batch: maeBatchSpec(config, options, batchSize / replicas),
    gradients: Object.keys(trainable),
  };
  const pass = await compilePass(engine, spec, replicas);
  const compileSeconds = (performance.now() - started) / 1000;

  const random = createRandom(1);
  const [height, width] = config.imageSize;
  const images = Float32Array.from({ length: batchSize * height * width * config.inChannels }, () => random.normal());
  const numPatches = (height * width) / config.patchSize ** 2;
  const times: number[] = [];
  const optimizerTimes: number[] = [];
  const passTimes: number[] = [];
  let loss = NaN;
  for (let step = 1; steps > 0 && step <= steps + 2; step++) {
    const parts = Array.from({ length: replicas }, (_, part) => {
      const length = images.length / replicas;
      const orders = Array.from({ length: batchSize / replicas }, () => random.permutation(numPatches));
      return createMaeBatch(config, options, images.subarray(part * length, (part + 1) * length), orders);
    });
    const before = performance.now();
    loss = await pass(parameters, parts, gradients);
    const differentiated = performance.now();
    for (const { name, data, shape } of gradients.values()) {
      const weightDecay = shape.length > 1 ? 0.05 : 0;
      const rates = { lr: 1e-4, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay, step };
      vectorKernels.adamw(parameters.get(name)!.data, data, means.get(name)!.data, squares.get(name)!.data, rates);
    }
    const after = performance.now();
    onStep?.(step);
    if (step > 2) {
      times.push((after - before) / 1000);
      optimizerTimes.push((after - differentiated) / 1000);
      passTimes.push((differentiated - before) / 1000);
    }
  }
  await engine.dispose();
  return {
    seconds: median(times),
    optimizerSeconds: median(optimizerTimes),
    fastestPass: Math.min(...passTimes),
    compileSeconds,
    loss,
  };
}

type Pass = (parameters: ParameterTree, parts: readonly Batch[], gradients: ParameterTree) => Promise<number>;

/** Loss and gradients of a batch in as many parts as there are replicas. */
async function compilePass(engine: Engine, spec: ProgramSpec, replicas: number): Promise<Pass> {
  if (replicas === 1) {
    const program = await engine.compile(spec);
    return async (parameters, [batch], gradients) => (await program.run(parameters, batch!, gradients)).loss!.data[0]!;
  }
  const program = await engine.replication!.compile(spec, replicas);
  return async (parameters, parts, gradients) => {
    const outputs = await program.run(parameters, parts, gradients);
    return outputs.reduce((sum, { loss }) => sum + loss!.data[0]! / replicas, 0);
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
