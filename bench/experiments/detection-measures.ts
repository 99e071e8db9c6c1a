import {
  corePlugin,
  createEngine,
  createLoader,
  createRandom,
  createRegistry,
  type Dataset,
  evaluateTask,
  type LoadedTaskModel,
  loadTaskModel,
} from '@mae-tasks/core-mae';
import { openSplit } from '@mae-tasks/core-mae/run';
import type { EvaluationTable, Sample } from '@mae-tasks/core-mae/task';
import detectPlugin from '@mae-tasks/plugin-detect';

export interface MeasuredModel {
  /**
   * `valBoxAP50Agnostic` where of detections that overlap the best alone stays, whatever its class: what a detector of objects,
   * which knows no classes, would be measured by.
   */
  readonly objectAP50: number;
  /** Scores by class on the held-out pictures. */
  readonly classes: EvaluationTable;
  /** Some held-out pictures, truth beside prediction (one box an object), as a PNG file. */
  readonly sheet: Uint8Array;
}

/** A trained detector's scores by class, and a sheet of what it finds. @param folder of its run */
export async function measureModel(
  folder: string,
  { numDrawn, drawThreshold }: { numDrawn: number; drawThreshold: number },
): Promise<MeasuredModel> {
  const registry = await createRegistry([
    { plugin: corePlugin, from: 'core' },
    { plugin: detectPlugin, from: 'plugin-detect' },
  ]);
  const engine = await createEngine({ device: 'cpu' });
  try {
    const loaded = await loadTaskModel(folder, registry);
    const { path } = loaded.config.data;
    const data = await openSplit(path, registry.readers, { split: 'val', format: 'coco' });
    const { details } = await evaluateTask({ engine, loaded, data });
    const ofObjects = await loadTaskModel(folder, registry, {
      settings: { detect: { agnosticNms: true, drawThreshold } },
    });
    const { metrics } = await evaluateTask({ engine, loaded: ofObjects, data });
    const { objective } = ofObjects.model;
    const samples = await spreadSamples(data, ofObjects, numDrawn);
    const { parameters } = ofObjects;
    const [drawing] = await objective.draw!({ engine, parameters, samples, random: createRandom(0) });
    return {
      objectAP50: metrics.valBoxAP50Agnostic!,
      classes: details!.tables.find(({ name }) => name === 'classes')!,
      sheet: drawing!.png,
    };
  } finally {
    await engine.dispose();
  }
}

/** Some pictures, evenly spread, as the detector sees them. */
async function spreadSamples(data: Dataset, { model, vit }: LoadedTaskModel, count: number): Promise<Sample[]> {
  const loader = await createLoader({
    dataset: { ...data, size: count, item: (index) => data.item(Math.floor((index * data.size) / count)) },
    pipeline: { decode: { channels: vit.inChannels }, transforms: model.objective.evaluation.transforms },
    batchSize: count,
    random: createRandom(0),
    shuffle: false,
    workers: 0,
  });
  try {
    for await (const samples of loader.batches(0)) return [...samples];
    return [];
  } finally {
    await loader.close();
  }
}
