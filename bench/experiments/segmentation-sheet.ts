import {
  corePlugin,
  createEngine,
  createRegistry,
  type Dataset,
  loadTaskModel,
  predictTask,
} from '@mae-tasks/core-mae';
import { openSplit } from '@mae-tasks/core-mae/run';
import {
  type LabelMap,
  legendRows,
  loadSemanticTarget,
  overlay,
  type Sample,
  type SemanticSource,
  type SheetRow,
} from '@mae-tasks/core-mae/task';
import segmentPlugin, { type SegmentFacts } from '@mae-tasks/plugin-segment';
import { overlaySheet } from '../../packages/plugin-segment/src/inference/overlay-sheet.js';

export interface DrawnModel {
  readonly title: string;
  /** The run's folder. */
  readonly folder: string;
}

/** A sheet of held-out pictures, what they are, and what each model says, as a PNG file. */
export async function drawPredictions(
  title: string,
  models: readonly DrawnModel[],
  count: number,
): Promise<Uint8Array> {
  const registry = await createRegistry([
    { plugin: corePlugin, from: 'core' },
    { plugin: segmentPlugin, from: 'plugin-segment' },
  ]);
  const engine = await createEngine({ device: 'cpu' });
  try {
    const columns: LabelMap[][] = [];
    let samples: Sample[] = [];
    let data: Dataset | undefined;
    let facts: SegmentFacts | undefined;
    for (const { folder } of models) {
      const loaded = await loadTaskModel(folder, registry);
      const { path, format } = loaded.config.data;
      data ??= spread(await openSplit(path, registry.readers, { split: 'val', format }), count);
      facts ??= loaded.facts as SegmentFacts;
      const results: LabelMap[] = [];
      samples = [];
      for await (const batch of predictTask({ engine, loaded, data, batchSize: 1 })) {
        samples.push(...batch.samples);
        results.push(...(batch.results as LabelMap[]));
      }
      columns.push(results);
    }
    const truths = samples.map((sample) => truthOf(data!, sample, facts!));
    const plain = { classNames: [], background: true };
    const rows: SheetRow[] = samples.map((sample, row) => {
      const picture = { ...sample, pixels: sample.pixels as Uint8Array };
      return {
        pictures: [
          overlay(picture, new Uint8Array(sample.width * sample.height), plain),
          overlay(picture, truths[row]!.labels, facts!),
          ...columns.map((results) => overlay(picture, results[row]!.labels, facts!)),
        ],
      };
    });
    const maps = [...truths, ...columns.flat()].map(({ labels }) => labels);
    const titles = ['picture', 'truth', ...models.map(({ title }) => title)];
    return await overlaySheet(title, titles, [...rows, ...legendRows(maps, facts!, titles.length)]);
  } finally {
    await engine.dispose();
  }
}

/** Some items, evenly spread. */
function spread(data: Dataset, count: number): Dataset {
  return { ...data, size: count, item: (index) => data.item(Math.floor((index * data.size) / count)) };
}

function truthOf(data: Dataset, sample: Sample, { background }: SegmentFacts): LabelMap {
  const index = Array.from({ length: data.size }, (_, at) => at).find((at) => data.item(at).id === sample.id)!;
  const options = { background: background ? 'class' : 'ignore', ignoreIndex: 255 } as const;
  return loadSemanticTarget(data.item(index).target as SemanticSource, sample, options);
}
