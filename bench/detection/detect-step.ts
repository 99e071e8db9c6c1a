import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { vectorKernels } from '../../packages/core-mae/src/engine/kernels/select.js';
import { createOnnxEngine } from '../../packages/core-mae/src/engine/onnx.js';
import { createParameterArena } from '../../packages/core-mae/src/engine/parameter-arena.js';
import { presets } from '../../packages/core-mae/src/models/presets.js';
import { initializeParameters, shapesOf } from '../../packages/core-mae/src/nn/params.js';
import { createRandom } from '../../packages/core-mae/src/base/random.js';
import {
  createDetectPredictStep,
  createDetectTrainStep,
  detectorConfig,
  type DetectorConfig,
  detectorSpecs,
} from '../../packages/plugin-detect/src/index.js';
import { benchFile, compare, type Comparison, reportMeasurement } from '../compare.js';
import { OBJECTS, randomSample } from './random-objects.js';

const ROUNDS = 3;

interface Setting {
  readonly config: DetectorConfig;
  readonly batchSize: number;
  readonly steps: number;
}

/** Heads and counts of the recipe `small`. */
function small(imageSize: number, vit: { embedDim: number; depth: number; numHeads: number }): DetectorConfig {
  const defaults = detectorConfig({
    vit: { ...presets.tiny, ...vit, imageSize: [imageSize, imageSize] },
    numClasses: 80,
  });
  const factor = Math.min(1, imageSize / 512);
  return {
    ...defaults,
    positionGrid: [imageSize / 16, imageSize / 16],
    pyramidChannels: 128,
    anchors: {
      ...defaults.anchors,
      sizes: defaults.anchors.sizes.map((size) => size * factor) as unknown as DetectorConfig['anchors']['sizes'],
    },
    rpn: {
      ...defaults.rpn,
      train: { beforeNms: 1000, afterNms: 500 },
      test: { beforeNms: 500, afterNms: 200 },
    },
    boxHead: { ...defaults.boxHead, numConvs: 2, convChannels: 128, hiddenFeatures: 512, proposalsPerImage: 128 },
    maskHead: { numConvs: 2, convChannels: 128, poolSize: 14 },
  };
}

/** `base`: ViTDet-B at 512 pixels; `small`: the tiny preset with the recipe's heads at 224; `smoke`: for a quick look. */
const settings: Readonly<Record<string, Setting>> = {
  base: {
    config: detectorConfig({
      vit: { ...presets.base, imageSize: [512, 512] },
      numClasses: 80,
      positionGrid: [32, 32],
    }),
    batchSize: 1,
    steps: 3,
  },
  small: { config: small(224, presets.tiny), batchSize: 4, steps: 7 },
  smoke: { config: small(64, { embedDim: 64, depth: 4, numHeads: 2 }), batchSize: 2, steps: 3 },
};

/**
 * One training step (forward, backward, AdamW) and one inference of a detector with masks against the same in PyTorch
 * eager, alternating. `MAE_TASKS_BENCH_SETTINGS` names other settings than `base,small`.
 */
export function run(): Comparison[] {
  const names = (process.env.MAE_TASKS_BENCH_SETTINGS ?? 'base,small').split(',');
  return names.flatMap((name) =>
    (['training', 'inference'] as const).map((what) =>
      compare(
        `detect-step (${name}, ${what})`,
        ROUNDS,
        [benchFile('detection/detect-step.ts'), name, what],
        [benchFile('peers/torch_vitdet.py'), ...peerArguments(settings[name]!, what)],
      ),
    ),
  );
}

function peerArguments({ config, batchSize, steps }: Setting, what: string): string[] {
  const { vit, rpn, boxHead, maskHead } = config;
  return [
    ['--training', what === 'training' ? 1 : 0],
    ['--image', vit.imageSize[0]],
    ['--patch', vit.patchSize],
    ['--dim', vit.embedDim],
    ['--depth', vit.depth],
    ['--heads', vit.numHeads],
    ['--channels', config.pyramidChannels],
    ['--convs', boxHead.convChannels],
    ['--hidden', boxHead.hiddenFeatures],
    ['--classes', config.numClasses],
    ['--batch', batchSize],
    ['--steps', steps],
    ['--objects', OBJECTS],
    ['--box-convs', boxHead.numConvs],
    ['--mask-convs', maskHead!.numConvs],
    ['--regions', boxHead.proposalsPerImage],
    ['--train-before', rpn.train.beforeNms],
    ['--train-after', rpn.train.afterNms],
    ['--test-before', rpn.test.beforeNms],
    ['--test-after', rpn.test.afterNms],
  ]
    .flat()
    .map(String);
}

async function measure({ config, batchSize, steps }: Setting, what: string): Promise<void> {
  const specs = detectorSpecs(config);
  const allocate = createParameterArena();
  const parameters = initializeParameters(specs, createRandom(0), allocate);
  // So that scores are spread, and some pass the threshold.
  const classifier = parameters.get('roi_heads.box_predictor.cls_score.weight')!.data;
  const random = createRandom(2);
  for (let i = 0; i < classifier.length; i++) classifier[i] = 0.3 * random.normal();
  const engine = await createOnnxEngine();
  const samples = Array.from({ length: batchSize }, (_, i) => randomSample(config.vit.imageSize, config.numClasses, i));
  const pass = what === 'training' ? await training() : await inference();
  const times: number[] = [];
  for (let step = 1; step <= steps + 2; step++) {
    const start = performance.now();
    await pass(step);
    if (step > 2) times.push((performance.now() - start) / 1000);
  }
  await engine.dispose();
  reportMeasurement(times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!);

  async function training() {
    const shapes = shapesOf(specs);
    const [gradients, means, squares] = [allocate(shapes), allocate(shapes), allocate(shapes)];
    const step = await createDetectTrainStep(config, { engine, batchSize, gradients: Object.keys(shapes) });
    return async (index: number): Promise<void> => {
      await step.run(parameters, samples, { random: createRandom(3).fork('step', index), gradients });
      for (const { name, data } of gradients.values()) {
        const rates = { lr: 1e-5, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1, step: index };
        vectorKernels.adamw(parameters.get(name)!.data, data, means.get(name)!.data, squares.get(name)!.data, rates);
      }
    };
  }

  async function inference() {
    const step = await createDetectPredictStep(config, { engine, batchSize });
    return async (): Promise<void> => {
      await step.run(parameters, samples);
    };
  }
}

// As a process of its own: one setting, measured.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await measure(settings[process.argv[2]!]!, process.argv[3]!);
}
