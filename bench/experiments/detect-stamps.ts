import { compareDetection } from './detection.js';

/** Stamps: photographs of objects, cut out and pasted on photographs. */
export function run(): Promise<void> {
  return compareDetection({
    name: 'detect-stamps',
    drawThreshold: 0.25,
    encoder: { experiment: 'segment-stamps', epochs: 110 },
    budgets: [
      { labelled: 500, epochs: 4, seeds: [0, 1, 2] },
      { labelled: 2000, epochs: 12, seeds: [0], arms: ['pretrained'] },
    ],
  });
}
