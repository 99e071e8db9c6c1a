import type { Measured } from '../fashion-mnist/outcome.js';
import { plot } from '../fashion-mnist/plot.js';
import { markdownTable, writeResult } from '../results.js';

const NAME = 'fashion-mnist-ablations';

/** One pretraining on a smaller budget, and what it is worth. */
export interface Ablation {
  readonly name: string;
  readonly maskRatio: number;
  readonly probe: Measured;
  readonly finetuned: Measured;
}

/** Writes the numbers, the plot and the table in Markdown. */
export async function report(ablations: readonly Ablation[]): Promise<void> {
  writeResult(`${NAME}.json`, `${JSON.stringify(ablations, null, 2)}\n`);
  const rows = ablations.map(({ name, probe, finetuned }) => [
    name,
    ...[probe, finetuned].map(({ value }) => value.toFixed(1)),
  ]);
  writeResult(`${NAME}.md`, markdownTable(['pretraining', 'linear probe, %', 'fine-tuned, %'], rows));
  const byRatio = ablations.filter(isOfMaskRatio).sort((a, b) => a.maskRatio - b.maskRatio);
  await plot(`${NAME}-mask-ratio`, {
    title: 'Accuracy by mask ratio, 1,000 labels',
    xLabel: 'removed patches, %',
    yLabel: '% of the test pictures',
    series: (['finetuned', 'probe'] as const).map((kind) => ({
      name: kind === 'probe' ? 'linear probe' : 'fine-tuned',
      x: byRatio.map(({ maskRatio }) => 100 * maskRatio),
      y: byRatio.map((ablation) => ablation[kind].value),
    })),
  });
}

/** The first ablation is the ratio of 75 % itself. */
function isOfMaskRatio({ name }: Ablation, index: number): boolean {
  return index === 0 || name.startsWith('mask ratio');
}
