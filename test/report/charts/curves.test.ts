import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { MetricsRecord } from '#core/contracts/tracker.js';
import { curveCharts, curvesPng, curvesSvg } from '#core/report/charts/curves.js';

const records: MetricsRecord[] = Array.from({ length: 20 }, (_, index) => ({
  step: index + 1,
  epoch: Math.floor(index / 10) + 1,
  phase: 'train',
  values: { imagesPerSecond: 500, lr: 1e-4, gradNorm: 10 ** -(index / 5), loss: 1 / (index + 1) },
}));
records.splice(10, 0, { step: 10, epoch: 1, phase: 'val', values: { valLoss: 0.3, accuracy: 0.5, validity: 1 } });

describe('a run’s curves', () => {
  it('are a chart a metric: loss first, then the task’s, then the machinery’s', () => {
    expect(curveCharts(records).map(({ title }) => title)).toEqual([
      'Loss',
      'accuracy',
      'validity',
      'Learning rate',
      'Gradient norm',
      'Images per second',
    ]);
  });

  it('show validation beside training', () => {
    const [loss] = curveCharts(records);
    expect(loss!.series.map(({ name, x, y }) => [name, x.length, y[0]])).toEqual([
      ['train', 20, 1],
      ['val', 1, 0.3],
    ]);
    expect(loss!.series[1]!.x).toEqual([10]);
  });

  it('are logarithmic where values fell by orders of magnitude', () => {
    const scales = Object.fromEntries(curveCharts(records).map(({ title, yScale }) => [title, yScale]));
    expect(scales).toMatchObject({ Loss: 'linear', 'Gradient norm': 'log', 'Learning rate': 'linear' });
  });

  it('are one SVG file that follows the reader’s colours', () => {
    const svg = curvesSvg(records);
    expect(svg.match(/<svg/g)).toHaveLength(1);
    expect(svg).toContain('viewBox="0 0 880 780"');
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  it('are a PNG file, also of a run that has just begun', async () => {
    const { width, height } = await sharp(await curvesPng(records)).metadata();
    expect([width, height]).toEqual([1760, 1560]);
    const empty = await sharp(await curvesPng([])).metadata();
    expect([empty.width, empty.height]).toEqual([880, 520]);
  });
});
