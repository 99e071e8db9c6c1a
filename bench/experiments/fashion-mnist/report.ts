import { lineChartSvg, type LineChart } from '../../../packages/core-mae/src/report/line-chart.js';
import { renderPng } from '../../../packages/core-mae/src/report/render-png.js';
import { strokeText } from '../../../packages/core-mae/src/report/svg-text.js';
import { markdownTable, meanOf, writeResult } from '../results.js';
import { type Ablation, ARMS, type Measured, type Outcome } from './outcome.js';

const NAME = 'fashion-mnist';

/** Writes the numbers, the plots and the tables in Markdown. */
export async function report(outcome: Outcome): Promise<void> {
  writeResult(`${NAME}.json`, `${JSON.stringify(outcome, null, 2)}\n`);
  writeResult(`${NAME}.md`, [labelTable(outcome), blockTable(outcome), ablationTable(outcome)].join('\n'));
  await plot('labels', {
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
  const byRatio = outcome.ablations.filter(isOfMaskRatio).sort((a, b) => a.maskRatio - b.maskRatio);
  await plot('mask-ratio', {
    title: 'Accuracy by mask ratio, 1,000 labels',
    xLabel: 'removed patches, %',
    yLabel: '% of the test pictures',
    series: (['finetuned', 'probe'] as const).map((kind) => ({
      name: kind === 'probe' ? 'linear probe' : 'fine-tuned',
      x: byRatio.map(({ maskRatio }) => 100 * maskRatio),
      y: byRatio.map((ablation) => ablation[kind].value),
    })),
  });
  await plot('blocks', {
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

/** The first ablation is the ratio of 75 % itself. */
function isOfMaskRatio({ name }: Ablation, index: number): boolean {
  return index === 0 || name.startsWith('mask ratio');
}

async function plot(name: string, chart: LineChart): Promise<void> {
  const svg = lineChartSvg(chart, { width: 680, height: 340, drawText: strokeText, theme: 'light' });
  writeResult(`${NAME}-${name}.png`, await renderPng(svg));
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

function ablationTable({ ablations }: Outcome): string {
  return markdownTable(
    ['pretraining', 'linear probe, %', 'fine-tuned, %'],
    ablations.map(({ name, probe, finetuned }) => [name, shown([probe]), shown([finetuned])]),
  );
}

/** Mean and deviation of the seeds, then each. */
function shown(results: readonly Measured[]): string {
  const values = results.map(({ value }) => value.toFixed(1));
  if (results.length === 1) return values[0]!;
  const { mean, deviation } = meanOfAll(results);
  return `${mean.toFixed(1)} ± ${deviation.toFixed(1)} (${values.join(', ')})`;
}
