/** Marks on an axis, ascending, within the range. */
export interface Ticks {
  readonly values: readonly number[];
  readonly labels: readonly string[];
}

/** The step of a linear scale: 1, 2 or 5 times a power of ten, so that about `count` of them fill the range. */
function niceStep(range: number, count: number): number {
  const rough = range / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5].find((candidate) => candidate * power >= rough * 0.999) ?? 10;
  return factor * power;
}

/** About `count` ticks at round numbers between `low` and `high` (low < high). */
export function linearTicks(low: number, high: number, count: number): Ticks {
  const step = niceStep(high - low, count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const values = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  return { values, labels: values.map((value) => formatTick(value, step)) };
}

/**
 * Ticks for a logarithmic scale between `low` and `high` (0 < low < high): powers of ten, with 2 and 5 between them
 * where the range is short, and where it is shorter still those of a linear scale.
 */
export function logTicks(low: number, high: number, count: number): Ticks {
  const decades = Math.log10(high / low);
  if (decades < 0.8) return linearTicks(low, high, count);
  const every = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const multiples = decades < 2.5 ? [1, 2, 5] : [1];
  const values: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    if (power % every !== 0) continue;
    for (const multiple of multiples) {
      const value = Number(`${multiple}e${power}`);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) values.push(value);
    }
  }
  return { values, labels: values.map((value) => formatTick(value, value)) };
}

/**
 * The number as a label beside others `step` apart: no more digits than tell them apart, thousands as k, M and G, very
 * small ones with an exponent.
 */
export function formatTick(value: number, step: number): string {
  if (Math.abs(value) < step * 1e-6) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e12) {
    const digits = Math.max(0, Math.floor(Math.log10(size) + 1e-9) - Math.floor(Math.log10(step) + 1e-9));
    return value.toExponential(Math.min(digits, 6)).replace('e+', 'e');
  }
  const [divisor, unit] = size >= 1e9 ? [1e9, 'G'] : size >= 1e6 ? [1e6, 'M'] : size >= 1e4 ? [1e3, 'k'] : [1, ''];
  const decimals = Math.max(0, -Math.floor(Math.log10(step / divisor) + 1e-9));
  return `${(value / divisor).toFixed(Math.min(decimals, 8))}${unit}`;
}
