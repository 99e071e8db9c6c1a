import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../base/atomic-write.js';
import { curvesPng, curvesSvg } from '../../report/charts/curves.js';
import { readMetrics } from '../../report/metrics/metrics-jsonl.js';
import { reportHtml, type RunReport } from '../../report/pages/report-html.js';
import { thumbnail } from '../../report/pages/thumbnail.js';
import type { RunFolder } from './run-folder.js';

/** Sheets on the report's page: the first and the latest ones show the progress. */
const SHOWN_SHEETS = 4;
/** The page is to be sent by mail; with all its pictures, as base64, it stays below this. */
const MAX_PAGE_BYTES = 3_000_000;
const MAX_PICTURE_BYTES = 400_000;

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
  const environment = JSON.parse(await readFile(folder.environment, 'utf8')) as Record<string, unknown>;
  const report: RunReport = {
    ...about,
    records,
    config: await readFile(folder.config, 'utf8'),
    environment: Object.entries(environment).map(([name, value]) => [name, String(value)]),
  };
  const room = (MAX_PAGE_BYTES - Buffer.byteLength(reportHtml(report))) * (3 / 4);
  // Of what is left a tenth is for titles and captions.
  const maxBytes = Math.max(0, Math.min(MAX_PICTURE_BYTES, (0.9 * room) / Math.max(1, shown.length)));
  const pictures = await Promise.all(
    shown.map(async (name) => ({
      title: name.replace(/\.png$/, '').replaceAll('-', ' '),
      caption: `Full size: samples/${name}`,
      image: await thumbnail(await readFile(join(folder.samples, name)), { maxBytes }),
    })),
  );
  await writeFileAtomically(folder.report, reportHtml({ ...report, pictures }));
}
