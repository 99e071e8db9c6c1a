import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Dataset } from '#core/contracts/dataset.js';
import { collectAnnotations } from '#core/data/coco/collect-annotations.js';
import { collectDetections } from '#core/data/coco/detections.js';
import { evaluateCoco } from '#core/data/coco/evaluation/evaluate.js';
import { encodePng } from '#core/data/images/encode-image.js';
import { createLoader } from '#core/data/loading/loader.js';
import type { InstanceAnnotations } from '#core/data/targets/instance-target.js';
import { createRandom } from '#core/base/random.js';

const [WIDTH, HEIGHT] = [96, 64];
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mae-once-'));
  const png = await encodePng({ data: new Uint8Array(WIDTH * HEIGHT * 3), width: WIDTH, height: HEIGHT, channels: 3 });
  for (const id of [1, 2, 3, 4]) writeFileSync(join(folder, `${id}.png`), id === 2 ? '' : png);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Two objects on each of four pictures, of which the second is broken. */
function pictures(): Dataset<InstanceAnnotations> {
  return {
    name: folder,
    size: 4,
    item: (index) => {
      const imageId = index + 1;
      const target: InstanceAnnotations = {
        imageId,
        width: WIDTH,
        height: HEIGHT,
        ids: Float64Array.of(10 * imageId, 10 * imageId + 1),
        boxes: Float64Array.of(5, 5, 20, 30, 25, 5, 40, 30),
        classes: Int32Array.of(0, 0),
        crowds: Uint8Array.of(0, 0),
        masks: [undefined, undefined],
      };
      return { id: `${imageId}.png`, image: { kind: 'file', path: join(folder, `${imageId}.png`) }, target };
    },
    warnings: [],
  };
}

it.each([1, 2, 3, 4])('perfect detections score 1 beside a broken picture, in batches of %i', async (batchSize) => {
  const loader = await createLoader({
    ...{ dataset: pictures(), pipeline: { transforms: [] }, batchSize, random: createRandom(0), workers: 0 },
    ...{ shuffle: false, dropLast: false, onBadImage: 'skip' },
  });
  const measured: Array<{ width: number; height: number; instances: InstanceAnnotations }> = [];
  for await (const samples of loader.batches(0)) {
    for (const { width, height, target } of samples) {
      measured.push({ width, height, instances: target as InstanceAnnotations });
    }
  }
  expect(measured.map(({ instances }) => instances.imageId)).toEqual([1, 3, 4]);
  const annotations = collectAnnotations(measured, [{ id: 1, name: 'box' }], 'measured');
  const perfect = measured.flatMap(({ instances: { imageId } }) =>
    [5, 25].map((x) => ({ imageId, categoryId: 1, score: 0.9, box: [x, 5, 15, 25] as const })),
  );
  const { stats } = evaluateCoco(annotations, collectDetections(annotations, perfect), { type: 'bbox' });
  expect([stats[0], stats[8]]).toEqual([1, 1]);
  expect(loader.badImages.map(({ id }) => id)).toEqual(['2.png']);
});
