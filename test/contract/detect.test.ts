import { describe, it } from 'vitest';
import type { Dataset } from '#core/contracts/dataset.js';
import { testTaskPlugin } from '#core/testing.js';
import detectPlugin from '@mae-tasks/plugin-detect';
import { objectPictures } from '../pictures/object-pictures.js';
import { TINY_DETECTOR } from '../detect/tiny-detector.js';
import { labelledPictures } from '../pictures/labelled-pictures.js';

const data = objectPictures(5);
const vit = { imageSize: [64, 64], patchSize: 8, depth: 4 } as const;
const without = (change: Partial<Dataset>): Dataset => ({ ...objectPictures(3), ...change });

const isFull = process.env.MAE_TASKS_FULL === '1';

describe('plugin-detect of two stages keeps the contract', () => {
  const checks = testTaskPlugin({
    plugin: detectPlugin,
    task: 'detect',
    data,
    vit,
    batchSize: 2,
    settings: { ...TINY_DETECTOR, head: 'two-stage', masks: true },
    badData: {
      'pictures without classes': labelledPictures({ count: 4 }),
      'pictures with a class each': labelledPictures({ count: 4, classNames: ['a', 'b'] }),
      'pictures without objects': without({ size: 1, item: () => objectPictures(4).item(3) }),
      'objects without masks': objectPictures(3, { masks: false }),
      'other classes': objectPictures(3, { classNames: ['disc', 'cube'] }),
      'fewer classes': objectPictures(3, { classNames: ['disc'] }),
    },
  });
  // Op by op it takes as long as all of its other checks; that of one stage is the default.
  for (const { name, run } of checks) it.skipIf(!isFull && name.includes('op by op'))(name, run, 60_000);
});

describe('plugin-detect of one stage keeps the contract', () => {
  const checks = testTaskPlugin({
    plugin: detectPlugin,
    task: 'detect',
    data,
    vit,
    batchSize: 2,
    settings: { ...TINY_DETECTOR, head: 'one-stage' },
  });
  for (const { name, run } of checks) it(name, run, 60_000);
});
