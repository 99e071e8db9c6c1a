import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MetricsRecord, Tracker } from '#core/contracts/tracker.js';
import { createMetricsJsonl } from '#core/report/metrics/metrics-jsonl.js';
import { createResultsCsv, createResultsTable } from '#core/report/metrics/results-csv.js';

const record = (
  step: number,
  epoch: number,
  phase: 'train' | 'val',
  values: Readonly<Record<string, number>>,
): MetricsRecord => ({ step, epoch, phase, values });

const csvOf = (records: readonly MetricsRecord[]): string => {
  const table = createResultsTable();
  for (const each of records) table.add(each);
  return table.toCsv();
};

describe('the results table', () => {
  it('has one row an epoch: means of training, the last lr, the last validation', () => {
    expect(
      csvOf([
        record(1, 1, 'train', { loss: 1, lr: 0.1 }),
        record(2, 1, 'train', { loss: 0.5, lr: 0.2 }),
        record(2, 1, 'val', { valLoss: 0.7 }),
        record(3, 2, 'train', { loss: 0.25, lr: 0.3 }),
        record(4, 2, 'val', { valLoss: 0.6 }),
      ]),
    ).toBe('epoch,step,loss,lr,valLoss\n1,2,0.75,0.2,0.7\n2,4,0.25,0.3,0.6\n');
  });

  it('leaves cells empty where an epoch has no number', () => {
    expect(
      csvOf([
        record(1, 1, 'train', { loss: Number.NaN }),
        record(1, 1, 'val', { valLoss: Number.POSITIVE_INFINITY }),
        record(2, 2, 'train', { loss: Number.NaN, gradNorm: 2 }),
        record(3, 2, 'train', { loss: 3, gradNorm: 4 }),
      ]),
    ).toBe('epoch,step,loss,gradNorm,valLoss\n1,1,,,\n2,3,3,3,\n');
  });

  it('keeps apart what both phases log under one name, and quotes odd names', () => {
    expect(csvOf([record(1, 1, 'train', { loss: 1, 'a,"b"': 2 }), record(1, 1, 'val', { loss: 3 })])).toBe(
      'epoch,step,loss,"a,""b""",val/loss\n1,1,1,2,3\n',
    );
  });

  it('writes no digits that are only a double’s rounding', () => {
    expect(csvOf([record(1, 1, 'train', { loss: 0.1 }), record(2, 1, 'train', { loss: 0.2 })])).toContain('1,2,0.15\n');
  });
});

describe('results.csv', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'results-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const trackers = (): [Tracker, Tracker] => {
    const metricsPath = join(folder, 'metrics.jsonl');
    return [createMetricsJsonl(metricsPath), createResultsCsv({ path: join(folder, 'results.csv'), metricsPath })];
  };
  const log = async (all: readonly Tracker[], records: readonly MetricsRecord[]): Promise<void> => {
    for (const each of records) for (const tracker of all) await tracker.log(each);
  };
  const read = (): string => readFileSync(join(folder, 'results.csv'), 'utf8');

  const steps = (from: number, to: number): MetricsRecord[] =>
    Array.from({ length: to - from + 1 }, (_, index) => {
      const step = from + index;
      return record(step, Math.ceil(step / 4), 'train', { loss: 1 / step });
    });

  it('is up to date after each epoch and each validation, and at the end', async () => {
    const all = trackers();
    await log(all, steps(1, 5));
    expect(read().split('\n')).toHaveLength(3);
    await log(all, [record(5, 2, 'val', { valLoss: 1 })]);
    expect(read()).toContain('\n2,5,0.2,1\n');
    await log(all, steps(6, 6));
    for (const tracker of all) await tracker.close();
    expect(read()).toContain('\n2,6,');
  });

  it('equals an uninterrupted run after a kill in mid-epoch and a resume', async () => {
    const whole = trackers();
    await log(whole, steps(1, 12));
    for (const tracker of whole) await tracker.close();
    const uninterrupted = read();

    rmSync(folder, { recursive: true });
    await log(trackers(), steps(1, 9)); // never closed: killed
    const resumed = trackers();
    for (const tracker of resumed) await tracker.resume?.(6);
    await log(resumed, steps(7, 12));
    for (const tracker of resumed) await tracker.close();
    expect(read()).toBe(uninterrupted);
  });

  it('gets a column for a metric that only the resumed run logs', async () => {
    await log(trackers(), [...steps(1, 4), record(4, 1, 'val', { valLoss: 1 })]);
    const resumed = trackers();
    for (const tracker of resumed) await tracker.resume?.(4);
    await log(resumed, [record(5, 2, 'train', { loss: 0.5, gradNorm: 7 })]);
    for (const tracker of resumed) await tracker.close();
    expect(read()).toMatch(/^epoch,step,loss,gradNorm,valLoss\n1,4,[\d.]+,,1\n2,5,0.5,7,\n$/);
  });
});
