import { cpus } from 'node:os';
import { createOnnxEngine } from '../../packages/core-mae/src/engine/onnx.js';
import { createParameterArena } from '../../packages/core-mae/src/engine/parameter-arena.js';
import { vectorKernels } from '../../packages/core-mae/src/engine/kernels/select.js';
import { presets } from '../../packages/core-mae/src/models/presets.js';
import { vitBackbone } from '../../packages/core-mae/src/models/vit.js';
import { initializeParameters, shapesOf } from '../../packages/core-mae/src/nn/params.js';
import { createRandom } from '../../packages/core-mae/src/base/random.js';
import { createTrainStep } from '../../packages/core-mae/src/train/loop/steps.js';
import { detectSettings, detectTask } from '../../packages/plugin-detect/src/index.js';
import { randomSample } from './random-objects.js';

const WARM_UP = 3;
const STEPS = 10;
const CLASSES = ['a', 'b', 'c'];

interface Setting {
  readonly detect: Readonly<Record<string, unknown>>;
  readonly vit?: Partial<typeof presets.tiny>;
  readonly batchSize?: number;
}

/** The two-stage detector as it is trimmed by hand for small machines. */
const trimmed = {
  masks: false,
  pyramidChannels: 64,
  rpn: {
    numConvs: 1,
    train: { beforeNms: 1000, afterNms: 500 },
    test: { beforeNms: 500, afterNms: 200 },
  },
  boxHead: { numConvs: 0, convChannels: 128, hiddenFeatures: 512, proposalsPerImage: 64 },
};

const settings: Readonly<Record<string, Setting>> = {
  'one-stage': { detect: { head: 'one-stage', masks: false } },
  'one-stage, masks': { detect: { head: 'one-stage' } },
  'one-stage, 6 blocks': { detect: { head: 'one-stage', masks: false }, vit: { depth: 6 } },
  'two-stage, trimmed': { detect: trimmed },
  'two-stage, trimmed, 6 blocks': { detect: trimmed, vit: { depth: 6 } },
};

/**
 * Processor seconds a picture of one training step (forward, backward, AdamW) at 160 pixels on ViT-tiny: the head of one
 * stage, and two stages trimmed, one after the other in this process. By one thread, since threads that wait for each
 * other spend processor time too. Other work on the machine changes these figures less than it changes times, but does.
 *
 * `MAE_TASKS_BENCH_SETTINGS` is JSON of other settings by name.
 */
export async function run(): Promise<object[]> {
  const named = process.env.MAE_TASKS_BENCH_SETTINGS;
  const chosen = named === undefined ? settings : (JSON.parse(named) as typeof settings);
  const results: object[] = [];
  for (const [name, setting] of Object.entries(chosen)) results.push(await measure(name, setting));
  return results;
}

async function measure(name: string, { detect, vit: changed, batchSize = 8 }: Setting): Promise<object> {
  const vit = { ...presets.tiny, imageSize: [160, 160] as const, ...changed };
  const { objective } = detectTask.createModel({
    settings: detectSettings.parse(detect),
    facts: { classNames: CLASSES, categoryIds: [1, 2, 3] },
    mode: 'full',
    vit,
    backbone: vitBackbone,
    dropPath: 0,
    statistics: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  });
  const allocate = createParameterArena();
  const shapes = shapesOf(objective.parameters);
  const parameters = initializeParameters(objective.parameters, createRandom(0), allocate);
  const [gradients, means, squares] = [allocate(shapes), allocate(shapes), allocate(shapes)];
  const engine = await createOnnxEngine({ threads: 1 });
  const step = await createTrainStep(objective, { engine, batchSize, gradients: Object.keys(shapes) });
  const samples = Array.from({ length: batchSize }, (_, i) => randomSample(vit.imageSize, CLASSES.length, i));
  let before = process.cpuUsage();
  let startedAt = performance.now();
  for (let index = 1; index <= WARM_UP + STEPS; index++) {
    await step.run(parameters, samples, { random: createRandom(3).fork('step', index), gradients });
    for (const { name: parameter, data } of gradients.values()) {
      const rates = { lr: 1e-5, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1, step: index };
      const moments = [means.get(parameter)!.data, squares.get(parameter)!.data] as const;
      vectorKernels.adamw(parameters.get(parameter)!.data, data, ...moments, rates);
    }
    if (index !== WARM_UP) continue;
    before = process.cpuUsage();
    startedAt = performance.now();
  }
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedAt) / 1000;
  await step.dispose();
  await engine.dispose();
  return {
    name: `one-stage-step (${name})`,
    processorSecondsPerPicture: Number(((user + system) / 1e6 / (STEPS * batchSize)).toFixed(4)),
    secondsPerPicture: Number((seconds / (STEPS * batchSize)).toFixed(4)),
    parameters: Object.values(shapes).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0),
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} threads, Node ${process.versions.node}`,
  };
}
