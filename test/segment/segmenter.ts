import type { Dataset, Sample } from '#core/contracts/dataset.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import { createLoader } from '#core/data/loading/loader.js';
import { initializeParameters } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import { createRegistry, type Registry } from '#core/plugin/container.js';
import { corePlugin } from '#core/core-plugin.js';
import { decodeOptionsOf } from '#core/train/settings/data-settings.js';
import { resolveFinetuneConfig } from '#core/train/finetuning/resolve-config.js';
import type { LoadedTaskModel } from '#core/train/finetuning/load.js';
import { buildTaskModel } from '#core/train/finetuning/task-model.js';
import segmentPlugin, { segmentTask } from '@mae-tasks/plugin-segment';

export const PLAIN = { scale: [1, 1], catMaxRatio: 1, flip: 0, photometric: false };

export interface SegmenterOptions {
  readonly data: Dataset;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly model?: Readonly<Record<string, unknown>>;
}

/** A small segmenter with fresh weights, as a loaded model. */
export async function createTinySegmenter({ data, settings = {}, model = {} }: SegmenterOptions) {
  const registry: Registry = await createRegistry([
    { plugin: corePlugin, from: 'core' },
    { plugin: segmentPlugin, from: 'the test' },
  ]);
  const config = await resolveFinetuneConfig(segmentTask, {
    data: { path: 'memory', workers: 0 },
    model: { imageSize: [64, 64], patchSize: 8, embedDim: 48, depth: 2, numHeads: 2, mlpRatio: 2, ...model },
    dropPath: 0,
    batchSize: 2,
    segment: { deconv: { channels: [32, 16] }, augmentation: PLAIN, ...settings },
  });
  const facts = await segmentTask.examine(data, config.segment as never);
  const built = buildTaskModel(segmentTask, config, facts, registry.backbones);
  const parameters: ParameterTree = initializeParameters(built.model.objective.parameters, createRandom(1));
  const loaded: LoadedTaskModel = { ...built, parameters, path: 'memory' };
  return { loaded, registry };
}

/** The first samples of the data, as training sees them. */
export async function trainingSamples(
  { config, vit, model }: LoadedTaskModel,
  data: Dataset,
  count: number,
): Promise<readonly Sample[]> {
  const { transforms, target } = model.objective.training;
  const loader = await createLoader({
    dataset: data,
    pipeline: {
      decode: decodeOptionsOf(config.data, vit.inChannels),
      transforms,
      ...(target === undefined ? {} : { target }),
    },
    batchSize: count,
    random: createRandom(2),
    shuffle: false,
    workers: 0,
  });
  for await (const samples of loader.batches(0)) return samples;
  throw new Error('The data set gives no batch.');
}
