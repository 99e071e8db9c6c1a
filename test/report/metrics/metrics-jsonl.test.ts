import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MetricsRecord } from '#core/contracts/tracker.js';
import { createMetricsJsonl, formatMetricsLine, readMetrics } from '#core/report/metrics/metrics-jsonl.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metrics-'));
  path = join(folder, 'run', 'metrics.jsonl');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const train = (step: number, loss: number): MetricsRecord => ({ step, epoch: 1, phase: 'train', values: { loss } });

async function write(records: readonly MetricsRecord[]): Promise<void> {
  const tracker = createMetricsJsonl(path);
  for (const record of records) await tracker.log(record);
  await tracker.close();
}

describe('metrics.jsonl', () => {
  it('reads back what was logged', async () => {
    const records: MetricsRecord[] = [
      train(1, 0.1),
      { step: 2, epoch: 1, phase: 'val', values: { valLoss: 1 / 3, accuracy: 0 } },
    ];
    await write(records);
    expect(await readMetrics(path)).toEqual(records);
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe('{"step":1,"epoch":1,"phase":"train","loss":0.1}');
  });

  it('keeps numbers that JSON has no word for as gaps', async () => {
    await write([train(1, Number.NaN), train(2, Number.POSITIVE_INFINITY)]);
    expect((await readMetrics(path)).map(({ values }) => values.loss)).toEqual([Number.NaN, Number.NaN]);
  });

  it('has each record in the file as soon as log returns', async () => {
    const tracker = createMetricsJsonl(path);
    await tracker.log(train(1, 0.5));
    expect(await readMetrics(path)).toHaveLength(1);
    await tracker.close();
  });

  it('has no records where there is no file', async () => {
    expect(await readMetrics(path)).toEqual([]);
    const tracker = createMetricsJsonl(path);
    await tracker.resume?.(3);
    await tracker.close();
    expect(await readMetrics(path)).toEqual([]);
  });

  it('equals an uninterrupted run after a kill and a resume', async () => {
    const all = Array.from({ length: 10 }, (_, index) => train(index + 1, 1 / (index + 1)));
    await write(all);
    const uninterrupted = readFileSync(path);

    rmSync(path);
    await write(all.slice(0, 7));
    appendFileSync(path, '{"step":8,"epo'); // killed while writing
    const tracker = createMetricsJsonl(path);
    await tracker.resume?.(5);
    for (const record of all.slice(5)) await tracker.log(record);
    await tracker.close();
    expect(readFileSync(path)).toEqual(uninterrupted);
  });

  it('cuts off an unfinished line even where no record is dropped', async () => {
    await write([train(1, 1)]);
    appendFileSync(path, '{"step":2');
    expect(await readMetrics(path)).toHaveLength(1);
    const tracker = createMetricsJsonl(path);
    await tracker.resume?.(1);
    await tracker.log(train(2, 2));
    await tracker.close();
    expect((await readMetrics(path)).map(({ step }) => step)).toEqual([1, 2]);
  });

  it.each([
    ['not JSON', 'loss 0.5'],
    ['an array', '[1]'],
    ['a record without a step', '{"epoch":1,"phase":"train"}'],
    ['an unknown phase', '{"step":1,"epoch":1,"phase":"test"}'],
    ['text for a value', '{"step":1,"epoch":1,"phase":"train","loss":"0.5"}'],
  ])('refuses %s, naming the line', async (_, line) => {
    await write([train(1, 1)]);
    appendFileSync(path, `${line}\n`);
    await expect(readMetrics(path)).rejects.toMatchObject({ code: 'RUN_INVALID', where: `${path}:2` });
  });

  it('refuses a metric that would hide a field of the record', () => {
    const record: MetricsRecord = { step: 1, epoch: 1, phase: 'train', values: { step: 9 } };
    expect(() => formatMetricsLine(record)).toThrow('a metric may not be named `step`');
  });

  it('says loudly that it cannot write', async () => {
    writeFileSync(join(folder, 'run'), 'a file where the folder should be');
    const tracker = createMetricsJsonl(path);
    await expect(async () => tracker.log(train(1, 1))).rejects.toMatchObject({ code: 'WRITE_FAILED', where: path });
  });
});
