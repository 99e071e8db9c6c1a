import { expect, it } from 'vitest';
import { drawnTitle, nothingDrawn, percent } from '../../packages/plugin-detect/src/inference/draw-threshold.js';

it('pictures on which nothing is drawn name the best score', () => {
  expect(nothingDrawn([0.313, 0.1], 0.5)).toBe('no detection ≥ 50 %, best 31 %');
  expect(nothingDrawn([0.4999], 0.5)).toBe('no detection ≥ 50 %, best 49 %');
  expect(nothingDrawn([], 0.5)).toBe('no detection ≥ 50 %');
  expect(nothingDrawn([0.2, 0.5], 0.5)).toBeUndefined();
  expect(nothingDrawn([0.002], 0.05)).toBe('no detection ≥ 5 %, best < 1 %');
});

it('sheets of detections say which are drawn, and by which setting', () => {
  expect(drawnTitle(0.3)).toBe('Detections ≥ 30 % (detect.drawThreshold=0.3)');
});

it('shares are rounded down, and 0.29 is 29 %', () => {
  expect([0, 0.009, 0.29, 0.999, 1].map(percent)).toEqual(['0 %', '< 1 %', '29 %', '99 %', '100 %']);
});
