import type { MetricsRecord } from '../../contracts/tracker.js';
import { type ChartSeries, drawLineChart, type LineChart } from './line-chart.js';
import { renderPng } from './render-png.js';
import { svgDocument, type Theme } from './svg.js';
import { type DrawText, fontText, outlineText } from './svg-text.js';

/** Metrics that every run has, with their titles. */
const titles: Readonly<Record<string, string>> = {
  loss: 'Loss',
  lr: 'Learning rate',
  imagesPerSecond: 'Images per second',
  gradNorm: 'Gradient norm',
};
/** Metrics of the machinery come after those of the task. */
const lastPanels = ['lr', 'gradNorm', 'imagesPerSecond'];
/** Metrics that fall by orders of magnitude are drawn on a logarithmic scale where they did. */
const wideMetrics = new Set(['loss', 'gradNorm']);
const wideRatio = 50;

interface Panel {
  readonly metric: string;
  readonly series: Map<string, { readonly x: number[]; readonly y: number[] }>;
}

/**
 * One chart for each metric of a run, over steps: the loss first, then the task's own, learning rate, gradient norm and
 * speed. `valX` of a validation is drawn beside `x` of the training.
 */
export function curveCharts(records: readonly MetricsRecord[]): LineChart[] {
  const panels = new Map<string, Panel>();
  for (const { step, phase, values } of records) {
    for (const [name, value] of Object.entries(values)) {
      const metric = phase === 'val' ? baseName(name) : name;
      let panel = panels.get(metric);
      if (panel === undefined) panels.set(metric, (panel = { metric, series: new Map() }));
      let series = panel.series.get(phase);
      if (series === undefined) panel.series.set(phase, (series = { x: [], y: [] }));
      series.x.push(step);
      series.y.push(value);
    }
  }
  const rank = ({ metric }: Panel): number => (metric === 'loss' ? -1 : lastPanels.indexOf(metric) + 1);
  return [...panels.values()].sort((a, b) => rank(a) - rank(b)).map(chartOf);
}

/** `valLoss` → `loss`. */
function baseName(name: string): string {
  return /^val[A-Z]/.test(name) ? name.charAt(3).toLowerCase() + name.slice(4) : name;
}

function chartOf({ metric, series }: Panel): LineChart {
  const lines: ChartSeries[] = [...series].map(([name, { x, y }]) => ({ name, x, y }));
  return {
    title: titles[metric] ?? metric,
    series: lines,
    xLabel: 'step',
    yScale: wideMetrics.has(metric) && spansOrders(lines) ? 'log' : 'linear',
  };
}

function spansOrders(series: readonly ChartSeries[]): boolean {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const { y } of series) {
    for (let i = 0; i < y.length; i++) {
      const value = y[i]!;
      if (!(value > 0) || value === Number.POSITIVE_INFINITY) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return high / low > wideRatio;
}

const panelSize = { width: 440, height: 260 };

interface CurvesStyle {
  readonly drawText: DrawText;
  readonly theme: Theme;
}

function drawCurves(records: readonly MetricsRecord[], { drawText, theme }: CurvesStyle): string {
  const charts = curveCharts(records);
  const shown = charts.length === 0 ? [{ title: 'Nothing measured yet', series: [] }] : charts;
  const numColumns = Math.min(2, shown.length);
  const width = numColumns * panelSize.width;
  const height = Math.ceil(shown.length / numColumns) * panelSize.height;
  const body = shown.map((chart, index) => {
    const x = (index % numColumns) * panelSize.width;
    const y = Math.floor(index / numColumns) * panelSize.height;
    return `<g transform="translate(${x} ${y})">${drawLineChart(chart, panelSize, drawText)}</g>`;
  });
  return svgDocument({ width, height, body: body.join(''), label: 'Curves of the run', theme });
}

/** The file curves.svg: every metric's chart, two a row, in the colours that the reader's system asks for. */
export function curvesSvg(records: readonly MetricsRecord[]): string {
  return drawCurves(records, { drawText: fontText, theme: 'auto' });
}

/** The file curves.png: the same, dark on white, independent of the machine's fonts. */
export async function curvesPng(records: readonly MetricsRecord[]): Promise<Buffer> {
  return renderPng(drawCurves(records, { drawText: outlineText, theme: 'light' }));
}
