/*
 * report/pages/: `report.html` of a run: one page with its settings, charts and pictures, which needs no network.
 * Not here: the charts themselves (`report/charts`), and what a run says of itself (`train/run/about-run`).
 * Called by: `train/run/write-reports`.
 */

import type { MetricsRecord } from '../../contracts/tracker.js';
import { curveCharts } from '../charts/curves.js';
import { escapeMarkup } from '../charts/escape-markup.js';
import { lineChartSvg } from '../charts/line-chart.js';
import { reportStyle } from './report-style.js';
import type { EmbeddedImage } from './thumbnail.js';

export interface ReportPicture {
  readonly title: string;
  /** What is to be seen, in a sentence or two. */
  readonly caption?: string;
  /** What becomes part of the page. */
  readonly image: EmbeddedImage;
}

export interface ReportCommand {
  /** What the command is for: "Resume". */
  readonly purpose: string;
  readonly command: string;
}

/** What a run has to show. All text is plain text. */
export interface RunReport {
  readonly title: string;
  /** A sentence below the title. */
  readonly lead?: string;
  /** The run in a few names and values: model, data, epochs, loss, time. */
  readonly summary: ReadonlyArray<readonly [name: string, value: string]>;
  readonly records: readonly MetricsRecord[];
  readonly pictures?: readonly ReportPicture[];
  readonly next?: readonly ReportCommand[];
  /** The resolved configuration, as it stands in config.yaml. */
  readonly config?: string;
  readonly environment?: ReadonlyArray<readonly [name: string, value: string]>;
}

/**
 * A run as one HTML page that needs nothing besides itself: no script, no network, curves and pictures inside, in the
 * colours that the reader's system asks for.
 */
export function reportHtml({
  title,
  lead,
  summary,
  records,
  pictures = [],
  next = [],
  config,
  environment = [],
}: RunReport): string {
  const charts = curveCharts(records);
  const sections = [
    summary.length === 0 ? '' : section('Summary', table(summary)),
    next.length === 0 ? '' : section('What to do next', next.map(commandBlock).join('\n')),
    pictures.length === 0 ? '' : section('Pictures', pictures.map(figure).join('\n')),
    section(
      'Curves',
      charts.length === 0
        ? '<p>Nothing has been measured yet.</p>'
        : `<div class="charts">\n${charts.map((chart) => lineChartSvg(chart)).join('')}</div>`,
    ),
    config === undefined ? '' : section('Configuration', `<pre tabindex="0">${escapeMarkup(config)}</pre>`),
    environment.length === 0 ? '' : section('Environment', table(environment)),
  ];
  const heading = escapeMarkup(title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${heading}</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<header>
<h1>${heading}</h1>
${lead === undefined ? '' : `<p>${escapeMarkup(lead)}</p>\n`}</header>
${sections.filter((part) => part !== '').join('\n')}
</main>
</body>
</html>
`;
}

function section(heading: string, content: string): string {
  return `<section>\n<h2>${escapeMarkup(heading)}</h2>\n${content}\n</section>`;
}

function table(rows: ReadonlyArray<readonly [name: string, value: string]>): string {
  const body = rows.map(
    ([name, value]) => `<tr><th scope="row">${escapeMarkup(name)}</th><td>${escapeMarkup(value)}</td></tr>`,
  );
  return `<table>\n${body.join('\n')}\n</table>`;
}

function commandBlock({ purpose, command }: ReportCommand): string {
  return `<p>${escapeMarkup(purpose)}</p>\n<pre tabindex="0"><code>${escapeMarkup(command)}</code></pre>`;
}

function figure({ title, caption, image: { mediaType, bytes } }: ReportPicture): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  const source = `data:${mediaType};base64,${base64}`;
  const words = `<strong>${escapeMarkup(title)}</strong>${caption === undefined ? '' : ` ${escapeMarkup(caption)}`}`;
  return `<figure>\n<div tabindex="0"><img src="${source}" alt="${escapeMarkup(title)}"></div>\n<figcaption>${words}</figcaption>\n</figure>`;
}
