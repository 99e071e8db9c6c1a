import type { MetricsRecord } from '@mae-tasks/core-mae/task';
import { formatDuration } from '../terminal/duration.js';
import { type Field, fitFields } from '../terminal/fit-fields.js';
import { formatLearningRate, formatMetric, formatSpeed } from '../terminal/format-number.js';
import type { Terminal } from '../terminal/terminal.js';

export interface ProgressOptions {
  readonly terminal: Terminal;
  /** Of the whole run; undefined where it is not known. */
  readonly totalEpochs?: number;
  readonly totalSteps?: number;
  /** Milliseconds between two plain lines. Default 10,000. */
  readonly plainIntervalMs?: number;
  /** Milliseconds between two drawings of the live line. Default 100. */
  readonly liveIntervalMs?: number;
}

/** Shows how a run goes on. */
export interface RunProgress {
  /** Takes each record as it is measured. */
  update(record: MetricsRecord): void;
  /** Leaves the newest numbers behind as a line of their own. */
  finish(): void;
}

/** How many of the newest steps the time left is estimated from. */
const paceWindow = 50;
/** Milliseconds of which the shown speed is the mean: that of single steps alternates as pictures come in bursts. */
const speedWindowMs = 5000;

/**
 * A progress display: one live line on a window, now and then a plain line in a log, every record as a JSON line with
 * `--json`. The first record, the first of an epoch and each validation always make a plain line.
 */
export function createProgress({
  terminal,
  totalEpochs,
  totalSteps,
  plainIntervalMs = 10_000,
  liveIntervalMs = 100,
}: ProgressOptions): RunProgress {
  const pace: Array<{ readonly step: number; readonly time: number; readonly speed: number | undefined }> = [];
  let train: MetricsRecord | undefined;
  let validation: MetricsRecord | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  let shownEpoch: number | undefined;
  /** Whether something was measured since the last permanent line. */
  let pending = false;

  const secondsLeft = (): number | undefined => {
    const [first, last] = [pace[0], pace.at(-1)];
    if (totalSteps === undefined || first === undefined || last === undefined || last.step <= first.step)
      return undefined;
    return ((totalSteps - last.step) * (last.time - first.time)) / (last.step - first.step) / 1000;
  };
  /** Pictures a second over the last seconds, and over one step at least: steps are alike, so their times are averaged. */
  const speed = (): number | undefined => {
    const since = (pace.at(-1)?.time ?? 0) - speedWindowMs;
    const speeds = pace.filter(({ time }, index) => time > since || index === pace.length - 1);
    const known = speeds.flatMap(({ speed: each }) => (each === undefined || !(each > 0) ? [] : [each]));
    return known.length === 0 ? undefined : known.length / known.reduce((sum, each) => sum + 1 / each, 0);
  };
  const fields = (): Field[] => {
    const newest = train ?? validation;
    if (newest === undefined) return [];
    const values = train?.values ?? {};
    const left = secondsLeft();
    const shown: Field[] = [
      { label: 'epoch', value: outOf(newest.epoch, totalEpochs), priority: 1 },
      { label: 'step', value: outOf(newest.step, totalSteps), priority: 4 },
    ];
    if (values.loss !== undefined) shown.push({ label: 'loss', value: formatMetric(values.loss), priority: 2 });
    for (const [name, value] of Object.entries(validation?.values ?? {})) {
      shown.push({ label: name, value: formatMetric(value), priority: name === 'valLoss' ? 5 : 8 });
    }
    if (values.lr !== undefined) shown.push({ label: 'lr', value: formatLearningRate(values.lr), priority: 7 });
    const shownSpeed = speed();
    if (shownSpeed !== undefined) shown.push({ value: formatSpeed(shownSpeed), unit: 'img/s', priority: 6 });
    if (left !== undefined && left > 0) shown.push({ value: formatDuration(left), unit: 'left', priority: 3 });
    return shown;
  };

  const showLive = (): void => {
    terminal.showLive(fitFields(fields(), terminal.columns() - 1));
    shownAt = terminal.now();
  };
  const printPlain = (): void => {
    terminal.print(fitFields(fields(), Number.POSITIVE_INFINITY));
    shownAt = terminal.now();
    pending = false;
  };

  return {
    update(record) {
      const { step, epoch, phase, values } = record;
      if (phase === 'train') {
        train = record;
        pace.push({ step, time: terminal.now(), speed: values.imagesPerSecond });
        if (pace.length > paceWindow) pace.shift();
      } else {
        validation = record;
      }
      pending = true;
      if (terminal.json) {
        terminal.record({ type: 'metrics', step, epoch, phase, ...values });
        return;
      }
      const elapsed = terminal.now() - shownAt;
      if (terminal.interactive) {
        if (phase === 'val' || elapsed >= liveIntervalMs) showLive();
      } else if (phase === 'val' || epoch !== shownEpoch || elapsed >= plainIntervalMs) {
        printPlain();
      }
      shownEpoch = epoch;
    },
    finish() {
      terminal.clearLive();
      if (!terminal.json && pending) printPlain();
    },
  };
}

function outOf(value: number, total: number | undefined): string {
  return total === undefined ? String(value) : `${value}/${total}`;
}
