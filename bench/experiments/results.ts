import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Mean and standard deviation (of a sample) of some values. */
export function meanOf(values: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

/** Mean, deviation and values over seeds, or the one value. */
export function overSeeds(values: readonly number[], digits: number): string {
  const each = values.map((value) => value.toFixed(digits)).join(', ');
  if (values.length === 1) return each;
  const { mean, deviation } = meanOf(values);
  return `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)} (${each})`;
}

/** A table in Markdown. */
export function markdownTable(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return line(header) + line(header.map((_, index) => (index === 0 ? '---' : '---:'))) + rows.map(line).join('');
}

/** Writes an experiment's outcome to bench/experiments/results/, which is kept in the repository. */
export function writeResult(name: string, content: string | Uint8Array): void {
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), content);
  console.error(`wrote bench/experiments/results/${name}`);
}
