import { format } from 'd3-format';
import { scaleLinear, scaleLog } from 'd3-scale';

/** Marks on an axis, ascending, within the range. */
export interface Ticks {
  readonly values: readonly number[];
  readonly labels: readonly string[];
}

/** About `count` ticks at round numbers between `low` and `high` (low < high). */
export function linearTicks(low: number, high: number, count: number): Ticks {
  const scale = scaleLinear([low, high], [0, 1]);
  const values = scale.ticks(count);
  const label = scale.tickFormat(count, notationOf(Math.max(Math.abs(low), Math.abs(high))));
  return { values, labels: values.map((value) => (value === 0 ? '0' : label(value))) };
}

/**
 * Ticks for a logarithmic scale between `low` and `high` (0 < low < high): powers of ten, with others between them where
 * the range is short, and where it is shorter still those of a linear scale.
 */
export function logTicks(low: number, high: number, count: number): Ticks {
  if (high / low < 6) return linearTicks(low, high, count);
  const marked = high / low < 300 ? [1, 2, 5] : [1];
  const values = scaleLog([low, high], [0, 1])
    .ticks(count)
    .filter((value) => marked.includes(leadingDigit(value)));
  return { values, labels: values.map((value) => format(notationOf(value) ?? '~g')(value)) };
}

function leadingDigit(value: number): number {
  return Number(value.toExponential(0)[0]);
}

/** Thousands as k, M and G, what is very small or large with an exponent; undefined where digits alone are clearest. */
function notationOf(size: number): string | undefined {
  if (size < 1e-3 || size >= 1e15) return '~e';
  return size >= 1e4 ? '~s' : undefined;
}
