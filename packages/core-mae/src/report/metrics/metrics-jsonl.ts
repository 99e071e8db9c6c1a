/*
 * report/metrics/: the files that a run's numbers go to, one format a file: `metrics.jsonl` (this file),
 * `results.csv`, TensorBoard's events. Each can be opened again at the step where a run is resumed.
 * Not here: deciding what is logged: the loop does.
 * Called by: `train/run/file-trackers`, which makes trackers of them.
 */

import { readFile, truncate } from 'node:fs/promises';
import { z } from 'zod';
import type { MetricsRecord, Tracker } from '../../contracts/tracker.js';
import { MaeError, messageOf } from '../../base/errors.js';
import { appendOnlyFile } from './append-only-file.js';

const reservedNames = ['step', 'epoch', 'phase'];

const lineSchema = z
  .object({ step: z.number(), epoch: z.number(), phase: z.enum(['train', 'val']) })
  .catchall(z.number().nullable());

/**
 * One line of metrics.jsonl, without its end: `{"step":1,"epoch":1,"phase":"train","loss":0.9}`. Numbers that JSON
 * cannot hold (NaN, ±Infinity) are written as null.
 *
 * @throws MaeError `RUN_INVALID` for a value named `step`, `epoch` or `phase`
 */
export function formatMetricsLine({ step, epoch, phase, values }: MetricsRecord): string {
  const taken = reservedNames.find((name) => Object.hasOwn(values, name));
  if (taken !== undefined) {
    throw new MaeError('RUN_INVALID', {
      what: `a metric may not be named \`${taken}\``,
      where: `step ${step}`,
      fix: 'rename it: every record already has that field',
    });
  }
  return JSON.stringify({ step, epoch, phase, ...values });
}

/** The record of one line of metrics.jsonl; null becomes NaN. Throws whatever JSON or the schema has to say. */
function parseMetricsLine(line: string): MetricsRecord {
  const { step, epoch, phase, ...values } = lineSchema.parse(JSON.parse(line));
  return {
    step,
    epoch,
    phase,
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? Number.NaN])),
  };
}

interface LoggedRecord {
  readonly record: MetricsRecord;
  /** Where the record's line begins in the file, in bytes. */
  readonly offset: number;
}

/** The records in these bytes. A last line without its end was cut off by a crash and does not count. */
function* loggedRecords(bytes: Buffer, path: string): Generator<LoggedRecord> {
  let offset = 0;
  for (let lineNumber = 1; ; lineNumber++) {
    const end = bytes.indexOf(0x0a, offset);
    if (end === -1) return;
    const line = bytes.toString('utf8', offset, end);
    if (line.trim() !== '') {
      let record: MetricsRecord;
      try {
        record = parseMetricsLine(line);
      } catch (cause) {
        throw new MaeError('RUN_INVALID', {
          what: `not a metrics record: ${messageOf(cause)}`,
          where: `${path}:${lineNumber}`,
          fix: 'remove the line, or the file to start the record anew',
          cause,
        });
      }
      yield { record, offset };
    }
    offset = end + 1;
  }
}

async function readIfPresent(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw new MaeError('RUN_INVALID', { what: `cannot read: ${messageOf(cause)}`, where: path, cause });
  }
}

/**
 * The records of a metrics.jsonl, in order; none where there is no such file.
 *
 * @throws MaeError `RUN_INVALID`, naming the line
 */
export async function readMetrics(path: string): Promise<MetricsRecord[]> {
  return [...loggedRecords(await readIfPresent(path), path)].map(({ record }) => record);
}

/**
 * What of a run's record is lost, in words for people, where its last steps or all of them are missing.
 *
 * @param step that the run has come to
 * @param everySteps how often steps are logged
 */
export async function metricsGap(path: string, step: number, everySteps: number): Promise<string | undefined> {
  const lost = (what: string): string => `${path} ${what}: its numbers and curves are not complete`;
  const records = await readMetrics(path);
  if (records.length === 0) return step === 0 ? undefined : lost(`has no record of the ${step} steps done`);
  const last = records.reduce((most, record) => Math.max(most, record.step), 0);
  return last < step - everySteps ? lost(`ends at step ${last}, and ${step} steps are done`) : undefined;
}

/** A tracker that appends each record as one line of JSON to the file at `path`. */
export function createMetricsJsonl(path: string): Tracker {
  const file = appendOnlyFile(path);
  return {
    async resume(step) {
      file.close();
      const bytes = await readIfPresent(path);
      let length = bytes.lastIndexOf(0x0a) + 1;
      for (const { record, offset } of loggedRecords(bytes, path)) {
        if (record.step > step) {
          length = offset;
          break;
        }
      }
      if (length < bytes.length) await truncate(path, length);
    },
    log: (record) => {
      file.append(`${formatMetricsLine(record)}\n`);
    },
    close: () => {
      file.close();
    },
  };
}
