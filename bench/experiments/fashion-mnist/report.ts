import { markdownTable, meanOf, writeResult } from '../results.js';
import { ARMS, type Measured, type Outcome } from './outcome.js';
import { plot } from './plot.js';

const NAME = 'fashion-mnist';

/** Writes the numbers, the plots and the tables in Markdown. */
export async function report(outcome: Outcome): Promise<void> {
  writeResult(`${NAME}.json`, `${JSON.stringify(outcome, null, 2)}\n`);
  writeResult(`${NAME}.md`, [labelTable(outcome), blockTable(outcome)].join('\n'));
  await plot(`${NAME}-labels`, {
    title: 'Accuracy by number of labels',
    xLabel: 'labels, as a power of ten',
    yLabel: '% of the test pictures',
    series: ARMS.map((name) => {
      const points = outcome.labels.filter(({ arm }) => arm === name).sort((a, b) => a.labels - b.labels);
      return {
        name,
        x: points.map(({ labels }) => Math.log10(labels)),
        y: points.map(({ results }) => meanOfAll(results).mean),
      };
    }),
  });
  await plot(`${NAME}-blocks`, {
    title: 'Accuracy by number of blocks tuned, 1,000 labels',
    xLabel: 'blocks',
    yLabel: '% of the test pictures',
    series: [
      {
        name: 'partially tuned',
        x: outcome.blocks.map(({ blocks }) => blocks),
        y: outcome.blocks.map(({ result }) => result.value),
      },
    ],
  });
}

function meanOfAll(results: readonly Measured[]) {
  return meanOf(results.map(({ value }) => value));
}

function labelTable({ labels }: Outcome): string {
  const counts = [...new Set(labels.map((each) => each.labels))].sort((a, b) => a - b);
  const cell = (arm: string, count: number): string => {
    const found = labels.find((each) => each.arm === arm && each.labels === count);
    return found === undefined ? '' : shown(found.results);
  };
  return markdownTable(
    ['labels', ...counts.map((count) => count.toLocaleString('en'))],
    ARMS.map((arm) => [arm, ...counts.map((count) => cell(arm, count))]),
  );
}

function blockTable({ blocks }: Outcome): string {
  return markdownTable(
    ['blocks tuned', ...blocks.map((each) => String(each.blocks))],
    [['accuracy, %', ...blocks.map(({ result }) => shown([result]))]],
  );
}

/** Mean and deviation of the seeds, then each. */
function shown(results: readonly Measured[]): string {
  const values = results.map(({ value }) => value.toFixed(1));
  if (results.length === 1) return values[0]!;
  const { mean, deviation } = meanOfAll(results);
  return `${mean.toFixed(1)} ± ${deviation.toFixed(1)} (${values.join(', ')})`;
}
