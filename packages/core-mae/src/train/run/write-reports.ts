import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../base/atomic-write.js';
import { curvesPng, curvesSvg } from '../../report/charts/curves.js';
import { readMetrics } from '../../report/metrics/metrics-jsonl.js';
import { reportHtml, type RunReport } from '../../report/pages/report-html.js';
import type { RunFolder } from './run-folder.js';

/** Sheets on the report's page: the first and the latest ones show the progress. */
const SHOWN_SHEETS = 4;

/** Draws a run's curves and writes its page, from what the folder holds now. @throws MaeError `WRITE_FAILED` */
export async function writeReports(
  folder: RunFolder,
  about: Pick<RunReport, 'title' | 'lead' | 'summary' | 'next'>,
): Promise<void> {
  const records = await readMetrics(folder.metrics);
  if (records.length > 0) {
    await writeFileAtomically(folder.curves.svg, curvesSvg(records));
    await writeFileAtomically(folder.curves.png, await curvesPng(records));
  }
  const sheets = (await readdir(folder.samples)).filter((name) => name.endsWith('.png')).sort();
  const shown = sheets.filter((_, index) => index === 0 || index > sheets.length - SHOWN_SHEETS).reverse();
  const pictures = await Promise.all(
    shown.map(async (name) => ({
      title: name.replace(/\.png$/, '').replaceAll('-', ' '),
      png: await readFile(join(folder.samples, name)),
    })),
  );
  const environment = JSON.parse(await readFile(folder.environment, 'utf8')) as Record<string, unknown>;
  const html = reportHtml({
    ...about,
    records,
    pictures,
    config: await readFile(folder.config, 'utf8'),
    environment: Object.entries(environment).map(([name, value]) => [name, String(value)]),
  });
  await writeFileAtomically(folder.report, html);
}
