import { describe, it } from 'vitest';
import { testTaskPlugin } from '#core/testing.js';
import segmentPlugin from '@mae-tasks/plugin-segment';
import { paintedPictures } from '../pictures/painted-pictures.js';
import { labelledPictures } from '../pictures/labelled-pictures.js';

const isFull = process.env.MAE_TASKS_FULL === '1';
const classNames = ['ground', 'disc', 'bar'];
const data = paintedPictures({ count: 5, classNames });
const plain = { scale: [1, 1], catMaxRatio: 1, flip: 0, photometric: false };
const suite = { plugin: segmentPlugin, task: 'segment', data };

describe('plugin-segment with its defaults keeps the contract', () => {
  const checks = testTaskPlugin({
    ...suite,
    settings: { deconv: { channels: [16, 8] }, augmentation: plain },
    badData: {
      'pictures of one class each': labelledPictures({ count: 4, classNames: ['across', 'down'] }),
      'pictures without anything': labelledPictures({ count: 4 }),
      'classes without names': paintedPictures({ count: 4 }),
      'a single class': paintedPictures({ count: 4, classNames: ['all'] }),
      'a label beyond the classes': paintedPictures({ count: 4, classNames, label: (l) => (l === 2 ? 3 : l) }),
      'masks of 0 and 254': paintedPictures({ count: 4, classNames, label: (l) => (l === 0 ? 0 : 254) }),
      'maps of which no pixel counts': paintedPictures({ count: 4, classNames, label: () => 255 }),
      'classes that were not trained': paintedPictures({ count: 4, classNames: ['ground', 'disc', 'pole'] }),
    },
  });
  for (const { name, run } of checks) it(name, run);
});

describe('plugin-segment with UPerNet, an auxiliary head, batch norm and mining keeps the contract', () => {
  const checks = testTaskPlugin({
    ...suite,
    settings: {
      decoder: 'upernet',
      norm: 'batch',
      dropout: 0.1,
      auxiliary: { channels: 8 },
      upernet: { channels: 8, poolScales: [1, 2] },
      loss: { ohem: { minKept: 200 } },
      augmentation: plain,
    },
    batchSize: 4,
  });
  for (const { name, run } of checks) it(name, run);
});

describe('plugin-segment with several taps, group norm, Dice, class weights and every way of asking keeps the contract', () => {
  const checks = testTaskPlugin({
    ...suite,
    settings: {
      taps: [0, 1],
      norm: 'group',
      deconv: { channels: [16, 8, 8], activation: 'relu' },
      loss: { classWeights: 'balanced', dice: 0.5 },
      inference: { scales: [0.75, 1.5], flip: true, stride: 10 },
      augmentation: plain,
    },
    vit: { imageSize: [32, 48] },
  });
  // Op by op it takes as long as all of its other checks.
  for (const { name, run } of checks) it.skipIf(!isFull && name.includes('op by op'))(name, run);
});

describe('plugin-segment with a linear decoder keeps the contract', () => {
  const checks = testTaskPlugin({
    ...suite,
    settings: { decoder: 'linear', inference: { mode: 'whole' }, augmentation: plain },
    overfit: { steps: 60, lr: 2e-3 },
  });
  for (const { name, run } of checks) it(name, run);
});
