import { writeFileAtomically } from '../../base/atomic-write.js';
import { csvText } from '../../base/csv.js';
import type { MetricsRecord, Tracker } from '../../contracts/tracker.js';
import { readMetrics } from './metrics-jsonl.js';

/** Values that are a state rather than a measurement: an epoch's row shows where they ended. */
const stateNames = new Set(['lr']);

interface EpochRow {
  readonly epoch: number;
  step: number;
  /** Finite train values so far, summed and counted. */
  readonly means: Map<string, { sum: number; count: number }>;
  /** The newest value, of validation and of states. */
  readonly latest: Map<string, number>;
}

export interface ResultsTable {
  add(record: MetricsRecord): void;
  /** The whole table as CSV (RFC 4180, lines end with LF). */
  toCsv(): string;
}

/**
 * An empty table of one row an epoch: `epoch`, `step` (the last of the epoch), then a column for each metric of
 * training and after those each of validation, in the order of their first appearance. A row holds the mean of an
 * epoch's train records, and of `lr` and of validation the last value. A cell without a number is empty; a metric that
 * both phases log has its validation under `val/<name>`.
 */
export function createResultsTable(): ResultsTable {
  const rows = new Map<number, EpochRow>();
  const trainNames = new Set<string>();
  const valNames = new Set<string>();

  const rowOf = (epoch: number): EpochRow => {
    let row = rows.get(epoch);
    if (row === undefined) {
      row = { epoch, step: 0, means: new Map(), latest: new Map() };
      rows.set(epoch, row);
    }
    return row;
  };
  const trainKey = (name: string): string => `train/${name}`;
  const valKey = (name: string): string => `val/${name}`;

  return {
    add({ step, epoch, phase, values }) {
      const row = rowOf(epoch);
      row.step = Math.max(row.step, step);
      for (const [name, value] of Object.entries(values)) {
        (phase === 'train' ? trainNames : valNames).add(name);
        if (phase === 'val') row.latest.set(valKey(name), value);
        else if (stateNames.has(name)) row.latest.set(trainKey(name), value);
        else if (Number.isFinite(value)) {
          const mean = row.means.get(name) ?? { sum: 0, count: 0 };
          row.means.set(name, { sum: mean.sum + value, count: mean.count + 1 });
        }
      }
    },
    toCsv() {
      const header = [
        'epoch',
        'step',
        ...trainNames,
        ...[...valNames].map((name) => (trainNames.has(name) ? valKey(name) : name)),
      ];
      const lines = [...rows.values()]
        .sort((a, b) => a.epoch - b.epoch)
        .map((row) => [
          row.epoch,
          row.step,
          ...[...trainNames].map((name) => {
            const mean = row.means.get(name);
            return formatCell(mean === undefined ? row.latest.get(trainKey(name)) : mean.sum / mean.count);
          }),
          ...[...valNames].map((name) => formatCell(row.latest.get(valKey(name)))),
        ]);
      return csvText(header, lines);
    },
  };
}

/** Enough digits for any float32, without the noise of a double. */
function formatCell(value: number | undefined): number | '' {
  return value === undefined || !Number.isFinite(value) ? '' : Number(value.toPrecision(9));
}

export interface ResultsCsvOptions {
  readonly path: string;
  /** The run's metrics.jsonl, from which a resumed run's earlier rows are computed again. */
  readonly metricsPath: string;
}

/** A tracker that keeps results.csv: rewritten after every validation, at each epoch's end and when it closes. */
export function createResultsCsv({ path, metricsPath }: ResultsCsvOptions): Tracker {
  let table = createResultsTable();
  let epoch: number | undefined;
  let changed = false;
  const save = async (): Promise<void> => {
    if (changed) await writeFileAtomically(path, table.toCsv());
    changed = false;
  };
  return {
    async resume(step) {
      table = createResultsTable();
      for (const record of await readMetrics(metricsPath)) if (record.step <= step) table.add(record);
      changed = true;
      await save();
    },
    async log(record) {
      if (epoch !== undefined && record.epoch !== epoch) await save();
      epoch = record.epoch;
      table.add(record);
      changed = true;
      if (record.phase === 'val') await save();
    },
    close: save,
  };
}
