/*
 * report/charts/: charts as SVG and PNG: curves of a run (drawn by this file's lines), precision by recall, confusion;
 * text as outlines where no font is at hand.
 * Not here: where numbers come from: `report/metrics` or an evaluation.
 * Called by: `report/pages`, runs, and tasks that draw details of their evaluation.
 */

import { extent } from 'd3-array';
import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { numSeriesColors, svgDocument, type Theme } from './svg.js';
import { type DrawText, fontText, round, textWidth } from './svg-text.js';
import { isNoisy, type Point, thinned, trend, unbrokenParts } from './thin-points.js';
import { linearTicks, logTicks, type Ticks } from './ticks.js';

export interface ChartSeries {
  readonly name: string;
  /** Never descending. */
  readonly x: ArrayLike<number>;
  /** As many as `x`; what is not finite leaves a gap, and so does what is not above zero on a logarithmic scale. */
  readonly y: ArrayLike<number>;
}

export interface LineChart {
  readonly title: string;
  readonly series: readonly ChartSeries[];
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** Default `linear`. */
  readonly yScale?: 'linear' | 'log';
}

export interface ChartSize {
  readonly width: number;
  readonly height: number;
}

export interface ChartStyle extends Partial<ChartSize> {
  /** Default `fontText`. */
  readonly drawText?: DrawText;
  /** Default `auto`. */
  readonly theme?: Theme;
}

const labelSize = 11;
const titleSize = 14;
/** Series of up to this many points show each as a dot. */
const maxDots = 40;

/**
 * A line chart as an SVG file, 440 × 260 pixels by default. A noisy line is pale, with its mean drawn over it.
 */
export function lineChartSvg(
  chart: LineChart,
  { width = 440, height = 260, drawText, theme }: ChartStyle = {},
): string {
  const body = drawLineChart(chart, { width, height }, drawText);
  return svgDocument({ width, height, body, label: describe(chart), ...(theme === undefined ? {} : { theme }) });
}

/** The chart in words, for those who cannot see it. */
function describe({ title, series }: LineChart): string {
  const parts = series.map(({ name, y }) => {
    const finite = Array.from(y).filter(Number.isFinite);
    const [first, last] = [finite[0], finite.at(-1)];
    if (first === undefined || last === undefined) return `${name} without values`;
    return `${name} from ${Number(first.toPrecision(3))} to ${Number(last.toPrecision(3))}`;
  });
  return `${title}: ${parts.length === 0 ? 'no values' : parts.join('; ')}`;
}

/** The SVG elements of a line chart whose upper left corner is at the origin. */
export function drawLineChart(chart: LineChart, { width, height }: ChartSize, drawText: DrawText = fontText): string {
  const { title, series, xLabel, yLabel, yScale = 'linear' } = chart;
  const parts = [drawText(title, { x: 14, y: 24, size: titleSize, bold: true })];
  if (series.length > 1) {
    // Beside the title, or where they would meet, a line lower.
    const isBeside = 14 + textWidth(title, titleSize, true) + legendWidth(series) <= width - 14;
    parts.push(drawLegend(series, width - 14, isBeside ? 24 : 44, drawText));
  }

  const xRange = padded(extentOf(series.map(({ x, y }) => keepWhere(x, y, yScale))), 0);
  const yRange =
    yScale === 'log'
      ? paddedLog(extentOf(series.map(usableY(yScale))))
      : padded(extentOf(series.map(usableY(yScale))), 0.06);
  if (xRange === undefined || yRange === undefined) {
    parts.push(
      drawText('no values', { x: width / 2, y: height / 2, size: labelSize, anchor: 'middle', tone: 'muted' }),
    );
    return parts.join('');
  }

  const top = 40 + (yLabel === undefined ? 0 : 14);
  const bottom = height - 26 - (xLabel === undefined ? 0 : 16);
  const yTicks = (yScale === 'log' ? logTicks : linearTicks)(...yRange, Math.max(2, (bottom - top) / 38));
  const left = 20 + Math.max(...yTicks.labels.map((label) => textWidth(label, labelSize)), 10);
  const right = width - 18;
  const xTicks = wholeTicks(linearTicks(...xRange, Math.max(2, (right - left) / 80)), xRange);

  const toX = scaleOf(xRange, [left, right], 'linear');
  const toY = scaleOf(yRange, [bottom, top], yScale);

  yTicks.values.forEach((value, index) => {
    const y = round(toY(value));
    parts.push(`<path class="mae-grid" d="M${round(left)} ${y}H${round(right)}"/>`);
    parts.push(
      drawText(yTicks.labels[index]!, { x: left - 6, y: y + 4, size: labelSize, anchor: 'end', tone: 'muted' }),
    );
  });
  xTicks.values.forEach((value, index) => {
    const x = round(toX(value));
    parts.push(`<path class="mae-axis" d="M${x} ${bottom}v4"/>`);
    parts.push(
      drawText(xTicks.labels[index]!, { x, y: bottom + 17, size: labelSize, anchor: 'middle', tone: 'muted' }),
    );
  });
  parts.push(`<path class="mae-axis" d="M${round(left)} ${bottom}H${round(right)}"/>`);
  if (xLabel !== undefined) {
    parts.push(drawText(xLabel, { x: right, y: height - 8, size: labelSize, anchor: 'end', tone: 'muted' }));
  }
  if (yLabel !== undefined) parts.push(drawText(yLabel, { x: 14, y: 44, size: labelSize, tone: 'muted' }));
  series.forEach((each, index) => {
    parts.push(drawSeries(each, index % numSeriesColors, toX, toY));
  });
  return parts.join('');
}

type Range = readonly [low: number, high: number];

function usableY(yScale: 'linear' | 'log'): (series: ChartSeries) => number[] {
  return ({ y }) => Array.from(y).filter((value) => isUsable(value, yScale));
}

function isUsable(y: number, yScale: 'linear' | 'log'): boolean {
  return Number.isFinite(y) && (yScale === 'linear' || y > 0);
}

/** The x of points that have a y to show. */
function keepWhere(x: ArrayLike<number>, y: ArrayLike<number>, yScale: 'linear' | 'log'): number[] {
  return Array.from(x).filter((value, index) => Number.isFinite(value) && isUsable(y[index]!, yScale));
}

function extentOf(columns: ReadonlyArray<readonly number[]>): Range | undefined {
  const [low, high] = extent(columns.flat());
  return low === undefined ? undefined : [low, high];
}

/** The range, wider by a share on both ends; a single value gets room around it. */
function padded(range: Range | undefined, share: number): Range | undefined {
  if (range === undefined) return undefined;
  const [low, high] = range;
  if (high - low <= Math.abs(high) * 1e-12) {
    const room = low === 0 ? 1 : Math.abs(low) * 0.5;
    return [low - room, high + room];
  }
  const room = (high - low) * share;
  // A measure that is never negative has an axis that is never negative.
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

/** Values beyond these are drawn at the edge: their ratios would leave the range of a double. */
const [smallest, largest] = [1e-140, 1e140];

function paddedLog(range: Range | undefined): Range | undefined {
  if (range === undefined) return undefined;
  const [low, high] = range.map((value) => Math.min(largest, Math.max(smallest, value))) as [number, number];
  const factor = high / low < 1 + 1e-12 ? 2 : (high / low) ** 0.06;
  return [low / factor, high * factor];
}

function scaleOf(range: Range, pixels: Range, kind: 'linear' | 'log'): (value: number) => number {
  if (kind === 'linear') return scaleLinear(range, pixels);
  const scale = scaleLog(range, pixels).clamp(true);
  return (value) => (value > 0 ? scale(value) : Number.NaN);
}

/** Steps and epochs are whole numbers: the ticks without those between, where any are left. */
function wholeTicks({ values, labels }: Ticks, [low, high]: Range): Ticks {
  const kept = values.flatMap((value, index) => (Number.isInteger(value) ? [index] : []));
  if (kept.length === 0 || high - low > 10) return { values, labels };
  return { values: kept.map((index) => values[index]!), labels: kept.map((index) => String(values[index]!)) };
}

function drawSeries(
  { x, y }: ChartSeries,
  color: number,
  toX: (value: number) => number,
  toY: (value: number) => number,
): string {
  const showDots = x.length <= maxDots;
  const parts: string[] = [];
  for (const part of unbrokenParts(Array.from(x, toX), Array.from(y, toY))) {
    const noisy = isNoisy(part);
    if (part.length > 1) parts.push(drawPath(thinned(part), `mae-line mae-line-${color}${noisy ? ' mae-raw' : ''}`));
    if (noisy) parts.push(drawPath(trend(part), `mae-line mae-line-${color}`));
    if (showDots || part.length === 1) {
      for (const [px, py] of part) {
        parts.push(`<circle class="mae-dot-${color}" cx="${round(px)}" cy="${round(py)}" r="2.4"/>`);
      }
    }
  }
  return parts.join('');
}

const pathOf = line().digits(2);

function drawPath(points: readonly Point[], className: string): string {
  return `<path class="${className}" d="${pathOf(points as Array<[number, number]>)}"/>`;
}

/** Room for a line's sample and name. */
function legendRoom({ name }: ChartSeries): number {
  return 22 + textWidth(name, labelSize);
}

function legendWidth(series: readonly ChartSeries[]): number {
  return series.reduce((sum, each) => sum + legendRoom(each) + 12, 0);
}

/** Names behind samples of their lines, the last ending at about `right`. */
function drawLegend(series: readonly ChartSeries[], right: number, y: number, drawText: DrawText): string {
  const reserved = series.map(legendRoom);
  let x = right + 12 - legendWidth(series);
  return series
    .map(({ name }, index) => {
      const sample = `<path class="mae-line mae-line-${index % numSeriesColors}" d="M${round(x)} ${y - 4}h16"/>`;
      const label = drawText(name, { x: x + 22, y, size: labelSize });
      x += reserved[index]! + 12;
      return sample + label;
    })
    .join('');
}
