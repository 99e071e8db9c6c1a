import { lineChartSvg, type LineChart } from '../../../packages/core-mae/src/report/charts/line-chart.js';
import { renderPng } from '../../../packages/core-mae/src/report/charts/render-png.js';
import { outlineText } from '../../../packages/core-mae/src/report/charts/svg-text.js';
import { writeResult } from '../results.js';

/** Writes a line chart as a PNG file. @param name of the file, without its ending */
export async function plot(name: string, chart: LineChart): Promise<void> {
  const svg = lineChartSvg(chart, { width: 680, height: 340, drawText: outlineText, theme: 'light' });
  writeResult(`${name}.png`, await renderPng(svg));
}
