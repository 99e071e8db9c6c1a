import { describe, it } from 'vitest';
import { testTaskPlugin } from '#core/testing.js';
import classifyPlugin from '@mae-tasks/plugin-classify';
import rotationPlugin from '../../examples/custom-plugin/src/index.js';
import { labelledPictures } from '../pictures/labelled-pictures.js';

const classNames = ['across', 'down', 'both'];
const data = labelledPictures({ count: 7, classNames });
const plain = { augmentation: { cropScale: null, flip: 0, randAugment: null, randomErasing: 0 } };

describe('plugin-classify keeps the contract', () => {
  const checks = testTaskPlugin({
    plugin: classifyPlugin,
    task: 'classify',
    data,
    settings: plain,
    badData: {
      'pictures without classes': labelledPictures({ count: 4 }),
      'a single class': labelledPictures({ count: 4, classNames: ['all'] }),
      'a label beyond the classes': labelledPictures({ count: 4, classNames, label: (index) => (index === 3 ? 3 : 0) }),
      'a label that is not whole': labelledPictures({ count: 4, classNames, label: () => 0.5 }),
      'classes that were not trained': labelledPictures({ count: 4, classNames: ['across', 'down', 'under'] }),
    },
  });
  for (const { name, run } of checks) it(name, run);
});

describe('plugin-classify with the class token, mixing and class weights keeps the contract', () => {
  const checks = testTaskPlugin({
    plugin: classifyPlugin,
    task: 'classify',
    data,
    settings: { ...plain, pool: 'class-token', mixup: 0.8, cutmix: 1, classWeights: 'balanced', testTimeFlip: true },
  });
  for (const { name, run } of checks) it(name, run);
});

describe('the example plugin keeps the contract', () => {
  const checks = testTaskPlugin({ plugin: rotationPlugin, task: 'rotation', data, overfit: { steps: 60, lr: 2e-3 } });
  for (const { name, run } of checks) it(name, run);
});
