import type { Sample, TransformSpec } from '../../contracts/dataset.js';
import type { BatchedFunction, DrawContext, Drawing, Evaluator, Objective } from '../../contracts/objective.js';
import type { Random } from '../../contracts/random.js';
import type { Batch, Outputs } from '../../contracts/tensor.js';
import { stackPixels } from '../../models/encoder-batch.js';
import { createMaeBatch, maeBatchSpec } from '../../models/mae-batch.js';
import type { MaeConfig, MaskOptions } from '../../models/mae-config.js';
import { maeLoss, maeSpecs } from '../../models/mae.js';
import { drawPatchOrder } from '../../models/masking.js';
import { createReconstruct, type Reconstruct } from '../../models/reconstruct.js';
import { patchGrid } from '../../models/vit-config.js';
import { drawReconstructions, shownValues } from './draw-reconstructions.js';

export interface MaeObjectiveOptions {
  readonly config: MaeConfig;
  readonly mask: MaskOptions;
  readonly trainTransforms: readonly TransformSpec[];
  readonly evalTransforms: readonly TransformSpec[];
  /** Per channel, in units of 0–1: what the transforms subtract and divide by. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Masked-autoencoder pretraining, as the training loop sees it. Its metric is `valLoss`, on fixed masks. */
export function maeObjective(options: MaeObjectiveOptions): Objective<Outputs> {
  const { config, mask } = options;
  const fn = maeLoss(config, mask);
  const reconstruct = createReconstruct(config, mask);
  const batched = (transforms: readonly TransformSpec[]): BatchedFunction => ({
    fn,
    batchSpec: (batchSize) => maeBatchSpec(config, mask, batchSize),
    collate: (samples, random) => collate(samples, random, options),
    collateParts: (samples, random, count) => collateParts(samples, random, count, options),
    transforms,
  });
  return {
    name: 'pretrain',
    parameters: maeSpecs(config, mask),
    training: batched(options.trainTransforms),
    evaluation: batched(options.evalTransforms),
    createEvaluator: createLossEvaluator,
    primaryMetric: { name: 'valLoss', better: 'lower' },
    baseline: {
      metric: 'loss',
      better: 'lower',
      value: 'patchMeanLoss',
      of: 'a model that gives every patch its mean colour',
      advice:
        'train for more steps (smaller batches, `model.imageSize` and `model.patchSize` give more of them in the same time), or raise `optimizer.lr`',
    },
    draw: (context) => draw(context, reconstruct, options),
  };
}

function collate(samples: readonly Sample[], random: Random, { config, mask }: MaeObjectiveOptions): Batch {
  return createMaeBatch(config, mask, stackPixels(samples, config), drawOrders(samples.length, random, config, mask));
}

/** Index maps count a batch's own rows, so each part has maps of its own; masks are drawn as for the whole. */
function collateParts(
  samples: readonly Sample[],
  random: Random,
  count: number,
  { config, mask }: MaeObjectiveOptions,
): Batch[] {
  const orders = drawOrders(samples.length, random, config, mask);
  const size = samples.length / count;
  return Array.from({ length: count }, (_, part) => {
    const [start, end] = [part * size, (part + 1) * size];
    return createMaeBatch(config, mask, stackPixels(samples.slice(start, end), config), orders.slice(start, end));
  });
}

function drawOrders(count: number, random: Random, config: MaeConfig, mask: MaskOptions): Int32Array[] {
  const grid = patchGrid(config);
  return Array.from({ length: count }, (_, index) =>
    drawPatchOrder(mask.maskStrategy, grid, mask.maskRatio, random.fork('mask', index)),
  );
}

function createLossEvaluator(): Evaluator {
  let [sum, count] = [0, 0];
  return {
    update({ lossPerImage }, samples) {
      for (let index = 0; index < samples.length; index++) sum += lossPerImage!.data[index]!;
      count += samples.length;
    },
    compute: () => ({ valLoss: sum / count }),
  };
}

async function draw(
  { engine, parameters, samples, random }: DrawContext,
  reconstruct: Reconstruct,
  options: MaeObjectiveOptions,
): Promise<Drawing[]> {
  const { config, mask, mean, std } = options;
  const pictures = await reconstruct(engine, parameters, {
    images: stackPixels(samples, config),
    patchOrders: drawOrders(samples.length, random, config, mask),
    ...shownValues({ mean, std }),
  });
  const png = await drawReconstructions(pictures, options);
  return [{ name: 'reconstructions', png }];
}
