import { compareSegmentation } from './segmentation.js';

/** Stamps: photographs of objects, cut out and pasted on photographs. */
export function run(): Promise<void> {
  return compareSegmentation({
    name: 'segment-stamps',
    title: 'Stamps',
    pretrainEpochs: 110,
    budgets: [{ labelled: 500, epochs: 12, seeds: [0, 1, 2] }],
  });
}
