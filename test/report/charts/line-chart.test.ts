import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { escapeMarkup } from '#core/report/charts/escape-markup.js';
import { type LineChart, lineChartSvg } from '#core/report/charts/line-chart.js';
import { renderPng } from '#core/report/charts/render-png.js';

import { fitPath, fitText, fontText, outlineText, textWidth } from '#core/report/charts/svg-text.js';
import { isNoisy, type Point, thinned, trend, unbrokenParts } from '#core/report/charts/thin-points.js';
import { linearTicks, logTicks } from '#core/report/charts/ticks.js';

const chart = (y: ArrayLike<number>, more: Partial<LineChart> = {}): LineChart => ({
  title: 'Loss',
  series: [{ name: 'train', x: Array.from(y, (_, index) => index), y }],
  ...more,
});
const coordinates = (svg: string): number[][] =>
  [...svg.matchAll(/class="mae-line mae-line-\d(?: mae-raw)?" d="([^"]+)"/g)].map((match) =>
    [...match[1]!.matchAll(/-?[\d.]+/g)].map(Number),
  );

describe('ticks', () => {
  it.each([
    [0, 1, 5, ['0', '0.2', '0.4', '0.6', '0.8', '1.0']],
    [0, 2.4e-4, 4, ['0', '5e-5', '1e-4', '1.5e-4', '2e-4']],
    [1.5e-5, 3.4e-5, 4, ['1.5e-5', '2e-5', '2.5e-5', '3e-5']],
    [0, 100_000, 5, ['0', '20k', '40k', '60k', '80k', '100k']],
    [-1, 1, 4, ['−1.0', '−0.5', '0', '0.5', '1.0']],
    [480, 540, 4, ['480', '500', '520', '540']],
    [0, 3e6, 3, ['0', '1M', '2M', '3M']],
  ])('from %d to %d, about %d, are %j', (low, high, count, labels) => {
    expect(linearTicks(low, high, count).labels).toEqual(labels);
  });

  it.each([
    [0.02, 2, ['0.02', '0.05', '0.1', '0.2', '0.5', '1', '2']],
    [1e-4, 10, ['1e-4', '0.001', '0.01', '0.1', '1', '10']],
    [0.4, 1, ['0.4', '0.5', '0.6', '0.7', '0.8', '0.9', '1.0']],
  ])('on a logarithmic scale from %d to %d are %j', (low, high, labels) => {
    expect(logTicks(low, high, 6).labels).toEqual(labels);
  });

  it('are few over many orders of magnitude, and all inside the range', () => {
    const { values } = logTicks(1e-30, 1e30, 6);
    expect(values.length).toBeLessThanOrEqual(8);
    for (const [low, high] of [
      [0.1, 0.7],
      [-3.3, 9.1],
      [1e-9, 3e-9],
      [12345, 12346],
    ] as const) {
      const ticks = linearTicks(low, high, 5);
      expect(ticks.values.length).toBeGreaterThanOrEqual(2);
      expect(new Set(ticks.labels).size).toBe(ticks.labels.length);
      for (const value of ticks.values) expect(value).toBeGreaterThanOrEqual(low - 1e-9);
      for (const value of ticks.values) expect(value).toBeLessThanOrEqual(high + 1e-9);
    }
  });

  it('show zero as zero, whatever stands beside it', () => {
    expect(linearTicks(-0.1, 0.2, 4).labels).toContain('0');
    expect(linearTicks(-1e-5, 1e-5, 3).labels).toContain('0');
  });
});

describe('points', () => {
  it('break at gaps', () => {
    expect(unbrokenParts([0, 1, 2, 3], [5, Number.NaN, 6, 7])).toEqual([
      [[0, 5]],
      [
        [2, 6],
        [3, 7],
      ],
    ]);
    expect(unbrokenParts([], [])).toEqual([]);
    expect(unbrokenParts([0, 1], [Number.NaN, Number.POSITIVE_INFINITY])).toEqual([]);
  });

  it('keep every spike when they are thinned', () => {
    const points = Array.from({ length: 10_000 }, (_, index): Point => [index / 100, index === 5055 ? 99 : index % 7]);
    const kept = thinned(points);
    expect(kept.length).toBeLessThanOrEqual(400);
    expect(kept.some(([, y]) => y === 99)).toBe(true);
    expect(kept[0]).toEqual(points[0]);
    expect(kept.at(-1)).toEqual(points.at(-1));
    expect(kept.map(([x]) => x)).toEqual([...kept.map(([x]) => x)].sort((a, b) => a - b));
  });

  it('stay as they are where they are few', () => {
    const points: Point[] = [
      [0, 1],
      [0.2, 3],
      [0.4, 2],
      [7, 7],
    ];
    expect(thinned(points)).toEqual(points);
  });

  it('have a trend where they are noisy', () => {
    const noisy = Array.from({ length: 1000 }, (_, index): Point => [index, index + (index % 2 === 0 ? 200 : -200)]);
    expect(isNoisy(noisy)).toBe(true);
    expect(isNoisy(noisy.map(([x]): Point => [x, x]))).toBe(false);
    expect(isNoisy(noisy.slice(0, 100))).toBe(false);
    for (const [x, y] of trend(noisy)) expect(Math.abs(y - x)).toBeLessThan(40);
  });
});

describe('text', () => {
  it.each(['Straße', 'Łódź', 'ø ñ ğ ő', 'Москва', 'Ελλάδα', '≤ ± → … 50 %'])(
    'as outlines needs no font: %s',
    (text) => {
      const svg = outlineText(text, { x: 0, y: 0, size: 10 });
      expect(svg).not.toContain('<text');
      expect(svg).toMatch(/^<g class="mae-text"><path d="M[^"]+"\/><\/g>$/u);
    },
  );

  it('leaves letters to the machine that the fonts do not have, and whole', () => {
    const svg = outlineText('a猫b 👩‍👩‍👧', { x: 0, y: 0, size: 10 });
    expect([...svg.matchAll(/<text[^>]*>([^<]*)</gu)].map(([, text]) => text)).toEqual(['猫', '👩‍👩‍👧']);
    expect(textWidth('猫', 10)).toBe(10);
  });

  it('is drawn alike, whether an accent is a character of its own or not', () => {
    const draw = (text: string): string => outlineText(text, { x: 0, y: 0, size: 10 });
    expect(draw('Gro\u0308ße'.normalize('NFD'))).toBe(draw('Größe'));
    expect(draw('☎\ufe0f')).toBe(draw('☎'));
  });

  it('is cut to its room', () => {
    expect(fitText('short', 12, 200)).toBe('short');
    const fitted = fitText('a very long name of a picture.jpg', 12, 80);
    expect(fitted).toMatch(/^a very.*…$/);
    expect(textWidth(fitted, 12)).toBeLessThanOrEqual(80);
    expect(fitPath('/home/somebody/pictures/val/cell.jpg', 12, 90)).toBe('…/val/cell.jpg');
    expect(fitPath('val/cell.jpg', 12, 200)).toBe('val/cell.jpg');
    expect(fitPath('/home/a very long name of a picture.jpg', 12, 80)).toMatch(/^…\/a very.*…$/);
  });

  it('is escaped', () => {
    expect(fontText('<script>"&\'', { x: 0, y: 0, size: 10 })).toContain('&lt;script&gt;&quot;&amp;&apos;');
    expect(escapeMarkup('a\u0000\u001b\ud800b\tc')).toBe('a\ufffd\ufffd\ufffdb\tc');
  });
});

describe('the legend', () => {
  const names = (title: string): string =>
    lineChartSvg(chart([1], { title, series: ['one', 'two'].map((name) => ({ name, x: [0, 1], y: [0, 1] })) }), {
      drawText: fontText,
    });
  const lineOf = (svg: string, text: string): number =>
    Number(new RegExp(`y="([\\d.]+)"[^>]*>${text}<`, 'u').exec(svg)![1]);

  it('stands beside a short title, and below one that would meet it', () => {
    expect(lineOf(names('Loss'), 'two')).toBe(lineOf(names('Loss'), 'Loss'));
    const title = 'Accuracy by the number of labels that were given';
    expect(lineOf(names(title), 'two')).toBeGreaterThan(lineOf(names(title), title));
  });
});

describe('a line chart', () => {
  it.each([
    ['no series', { title: 'Loss', series: [] }],
    ['no points', chart([])],
    ['only gaps', chart([Number.NaN, Number.NaN])],
    ['nothing above zero on a logarithmic scale', chart([0, -1], { yScale: 'log' })],
  ])('says so where there is %s', (_, empty) => {
    expect(lineChartSvg(empty)).toContain('no values');
  });

  it('shows a single point as a dot', () => {
    const svg = lineChartSvg(chart([0.5]));
    expect(svg.match(/<circle/g)).toHaveLength(1);
    expect(svg).not.toContain('NaN');
  });

  it.each(['linear', 'log'] as const)('keeps everything inside its frame (%s)', (yScale) => {
    for (const y of [
      [3, 1, 2],
      [0, 0, 0],
      [-5, 1e9, 3],
      [1e-12, 1, 1e12],
      [7, 7],
      [1e-300, 1e300],
    ]) {
      const svg = lineChartSvg(chart(y, { yScale }), { width: 400, height: 200 });
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      for (const values of coordinates(svg)) {
        values.forEach((value, index) => {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(index % 2 === 0 ? 400 : 200);
        });
      }
    }
  });

  it('leaves gaps open', () => {
    const svg = lineChartSvg(chart([1, 2, Number.NaN, 3, 4, Number.POSITIVE_INFINITY, 5]));
    expect(coordinates(svg)).toHaveLength(2);
    expect(svg.match(/<circle/g)).toHaveLength(5);
  });

  it('is small even for 100,000 points', () => {
    const y = Float64Array.from(
      { length: 100_000 },
      (_, index) => Math.exp(-index / 3e4) * (1 + 0.1 * Math.sin(index * 7)),
    );
    expect(lineChartSvg(chart(y)).length).toBeLessThan(60_000);
  });

  it('names its series where there are several, and says in words what it shows', () => {
    const series = [
      { name: 'train', x: [1, 2], y: [0.9, 0.5] },
      { name: '<val>', x: [1], y: [0.7] },
    ];
    const svg = lineChartSvg({ title: 'Loss', series });
    expect(svg).toContain('>&lt;val&gt;</text>');
    expect(svg).toContain('aria-label="Loss: train from 0.9 to 0.5; &lt;val&gt; from 0.7 to 0.7"');
    expect(lineChartSvg(chart([1, 2]))).not.toContain('>train</text>');
  });

  it('becomes a PNG of twice its size with ink in it, in either theme', async () => {
    for (const [theme, background] of [
      ['light', 255],
      ['dark', 15],
    ] as const) {
      const png = await renderPng(lineChartSvg(chart([3, 1, 2]), { theme, drawText: outlineText }));
      const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height, info.channels]).toEqual([880, 520, 3]);
      expect(data[0]).toBe(background);
      // The line's colour: blue well above red.
      let ink = 0;
      for (let i = 0; i < data.length; i += 3) if (data[i + 2]! - data[i]! > 90) ink++;
      expect(ink).toBeGreaterThan(500);
    }
  });
});
