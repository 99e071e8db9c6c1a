import { join } from 'node:path';
import { formatMetric } from '../terminal/format-number.js';
import { formatTable } from '../terminal/table.js';
import type { Terminal } from '../terminal/terminal.js';
import { looking } from '../terminal/text.js';

/**
 * Trains one run a fold and shows mean and standard deviation of their metrics. Ends where a run is stopped.
 *
 * @param out the folder that the folds' runs lie in: `fold1` …
 * @param train trains the run of a fold, counted from 0; undefined where it was stopped
 */
export async function crossValidate(
  terminal: Terminal,
  folds: number,
  out: string,
  train: (fold: number, out: string) => Promise<Readonly<Record<string, number>> | undefined>,
): Promise<void> {
  const results: Array<Readonly<Record<string, number>>> = [];
  for (let fold = 0; fold < folds; fold++) {
    terminal.print(looking('bold', `Fold ${fold + 1} of ${folds}`));
    const metrics = await train(fold, join(out, `fold${fold + 1}`));
    if (metrics === undefined) return;
    results.push(metrics);
  }
  const summary = Object.keys(results[0] ?? {}).map((name) => {
    const values = results.map((metrics) => metrics[name] ?? Number.NaN);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { name, mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0, values };
  });
  terminal.record({ type: 'folds', metrics: summary });
  terminal.print(
    ...formatTable(
      summary.map(({ name, mean, deviation, values }) => [
        name,
        formatMetric(mean),
        `± ${formatMetric(deviation)}`,
        values.map(formatMetric).join(' '),
      ]),
      { header: ['metric', 'mean', 'deviation', 'folds'] },
    ),
  );
}
