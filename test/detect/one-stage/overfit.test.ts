import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '#core/contracts/dataset.js';
import type { Engine } from '#core/contracts/engine.js';
import type { SamplePipeline } from '#core/contracts/objective.js';
import { createLoader } from '#core/data/loading/loader.js';
import { subset } from '#core/data/readers/split.js';
import { vectorKernels } from '#core/engine/kernels/select.js';
import { createOnnxEngine } from '#core/engine/onnx.js';
import { vitBackbone } from '#core/models/vit.js';
import { allocateOnHeap, initializeParameters } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import { adamw } from '#core/optim/adamw.js';
import { runEvaluator } from '#core/train/loop/evaluate.js';
import { createTrainStep } from '#core/train/loop/steps.js';
import { trainableShapes } from '#core/train/loop/training.js';
import { detectSettings, detectTask } from '@mae-tasks/plugin-detect';
import { objectPictures } from '../../pictures/object-pictures.js';

const settings = detectSettings.parse({
  head: 'one-stage',
  oneStage: { channels: 32, numConvs: 1, strides: [4, 8], prototypes: { count: 8, channels: 16, pointsPerImage: 16 } },
  augmentation: { scale: [1, 1], flip: 0 },
});

describe('a tiny detector of one stage', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createOnnxEngine({ threads: 2 });
  });
  afterAll(() => engine.dispose());

  it('learns two pictures by heart: box AP above 0.9, mask AP above 0.8', async () => {
    const data = subset(objectPictures(6), [1, 5]);
    const facts = await detectTask.examine(data, settings);
    const { objective } = detectTask.createModel({
      settings,
      facts,
      mode: 'full',
      vit: { imageSize: [64, 64], patchSize: 8, inChannels: 3, embedDim: 32, depth: 2, numHeads: 2, mlpRatio: 2 },
      backbone: vitBackbone,
      dropPath: 0,
      statistics: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    });
    const batch = async (part: 'training' | 'evaluation') => {
      for await (const samples of (await loaderOf(data, objective[part])).batches(0)) return samples;
      throw new Error('no batch');
    };
    const shapes = trainableShapes(objective);
    const parameters = initializeParameters(objective.parameters, createRandom(0));
    const gradients = allocateOnHeap(shapes);
    const step = await createTrainStep(objective, { engine, batchSize: 2, gradients: Object.keys(shapes) });
    const optimizer = adamw(vectorKernels);
    const state = optimizer.createState(shapes, allocateOnHeap);
    const groups = new Map(Object.keys(shapes).map((name) => [name, { lrScale: 1, weightDecay: 0 }]));
    const samples = await batch('training');
    const numSteps = 150;
    for (let done = 1; done <= numSteps; done++) {
      await step.run(parameters, samples, { random: createRandom(done), gradients });
      const lr = 4e-3 * Math.min(1, done / 20) * (done > 0.8 * numSteps ? 0.1 : 1);
      optimizer.update(parameters, gradients, state, { step: done, lr, groups });
    }
    const held = await batch('evaluation');
    const evaluator = await runEvaluator(parameters, {
      engine,
      objective,
      batchSize: 2,
      batches: (async function* () {
        yield await Promise.resolve(held);
      })(),
      random: createRandom(0),
    });
    const metrics = evaluator!.compute();
    expect(metrics.valBoxAP).toBeGreaterThan(0.9);
    expect(metrics.valMaskAP).toBeGreaterThan(0.8);
  }, 240_000);
});

function loaderOf(dataset: Dataset, { transforms, target }: SamplePipeline) {
  return createLoader({
    dataset,
    pipeline: { decode: { channels: 3 }, transforms, ...(target === undefined ? {} : { target }) },
    batchSize: 2,
    random: createRandom(0),
    shuffle: false,
    workers: 0,
  });
}
