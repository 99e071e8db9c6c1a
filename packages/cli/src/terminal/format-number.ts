/** A measured value in about four digits: `0.4321`, `12.35`, `6.1e-5`. */
export function formatMetric(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 1e-3 || size >= 1e6) return shortExponent(value, 3);
  const decimals = size < 10 ? 4 : size < 100 ? 2 : size < 1000 ? 1 : 0;
  return value.toFixed(decimals);
}

/** A learning rate in two digits: `1.2e-4`, `1e-3`. */
export function formatLearningRate(value: number): string {
  return value === 0 || !Number.isFinite(value) ? String(value) : shortExponent(value, 2);
}

/** A count with its thousands apart: `3,391`. */
export function formatCount(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** A speed in three digits or the whole of a larger one: `0.82`, `9.31`, `51.2`, `512`. */
export function formatSpeed(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function shortExponent(value: number, digits: number): string {
  return value
    .toExponential(digits - 1)
    .replace(/\.?0+e/, 'e')
    .replace('e+', 'e');
}
