import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { runFolderAt } from '#core/train/run/run-folder.js';
import { writeReports } from '#core/train/run/write-reports.js';

const folder = mkdtempSync(join(tmpdir(), 'mae-report-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('a report stays small however large its sheets are, and leaves these as they are', async () => {
  const run = runFolderAt(folder);
  mkdirSync(run.samples);
  writeFileSync(run.config, 'model: tiny\n');
  writeFileSync(run.environment, '{}');
  writeFileSync(run.metrics, '');
  const raw = { width: 1100, height: 950, channels: 3 } as const;
  const sheet = await sharp(randomFillSync(new Uint8Array(3 * raw.width * raw.height)), { raw })
    .png()
    .toBuffer();
  expect(sheet.length).toBeGreaterThan(3_000_000);
  for (let epoch = 1; epoch <= 6; epoch++) writeFileSync(join(run.samples, `predictions-epoch-000${epoch}.png`), sheet);
  await writeReports(run, { title: 'run', summary: [] });
  const html = readFileSync(run.report, 'utf8');
  expect(html.length).toBeLessThan(3_000_000);
  expect(html.match(/data:image\/jpeg;base64,/gu)).toHaveLength(4);
  expect(html).toContain('Full size: samples/predictions-epoch-0006.png');
  expect(readFileSync(join(run.samples, 'predictions-epoch-0001.png')).equals(sheet)).toBe(true);
});
