import { expect, it } from 'vitest';
import { formatDuration } from '../../packages/cli/src/terminal/duration.js';
import {
  formatCount,
  formatLearningRate,
  formatMetric,
  formatSpeed,
} from '../../packages/cli/src/terminal/format-number.js';

it.each([
  [0, '0:00'],
  [7.4, '0:07'],
  [59.6, '1:00'],
  [83, '1:23'],
  [3599.9, '1:00:00'],
  [3723, '1:02:03'],
  [2 * 86_400 + 3 * 3600 + 4 * 60 + 5, '2 d 03:04:05'],
  [Number.NaN, '–'],
  [Number.POSITIVE_INFINITY, '–'],
  [-1, '–'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

it.each([
  [formatMetric(0.43211), '0.4321'],
  [formatMetric(12.345), '12.35'],
  [formatMetric(-0.5), '-0.5000'],
  [formatMetric(123.456), '123.5'],
  [formatMetric(61234), '61234'],
  [formatMetric(0.0000612), '6.12e-5'],
  [formatMetric(0), '0'],
  [formatMetric(Number.NaN), 'NaN'],
  [formatLearningRate(1.2e-4), '1.2e-4'],
  [formatLearningRate(0.001), '1e-3'],
  [formatLearningRate(0), '0'],
  [formatLearningRate(1.5), '1.5e0'],
  [formatSpeed(512.4), '512'],
  [formatSpeed(0.8213), '0.821'],
  [formatSpeed(51.23), '51.2'],
  [formatCount(3391), '3,391'],
])('shows %s', (shown, expected) => {
  expect(shown).toBe(expected);
});
