import { parseArgs } from 'node:util';
import { ROWS } from './own-pictures/rows.js';
import { markdownTable, overSeeds, writeResult } from './results.js';
import { createRunner } from './runner.js';

/**
 * Whether pretraining on the task's own pictures pays: the same minutes of fine-tuning from it and from random weights, and
 * from random weights with all minutes together. Two trainings side by side, a processor each.
 *
 * `npm run experiment -- own-pictures --pretrain 5 --finetune 5 --seeds 0,1,2 --only cells`
 */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      pretrain: { type: 'string', default: '5' },
      finetune: { type: 'string', default: '5' },
      seeds: { type: 'string', default: '0,1,2' },
      only: { type: 'string', default: ROWS.map(({ name }) => name).join(',') },
    },
  });
  const runner = createRunner('own-pictures', { jobs: 2, threads: 2 });
  const total = String(Number(values.pretrain) + Number(values.finetune));
  for (const { name, task, metric, digits } of ROWS.filter((row) => values.only.split(',').includes(row.name))) {
    const data = ['--data', `../shared/data/${name}`];
    const depth = task === 'classify' ? ['model.depth=6'] : [];
    const shared = ['--set', 'data.workers=1'];
    const finetune = async (arm: string, minutes: string, seed: string, more: readonly string[]): Promise<number> => {
      const command = ['finetune', task, ...data, '--minutes', minutes, '--seed', seed, ...more, ...shared];
      const { metrics } = await runner.run(`${name}-${arm}-${minutes}min-seed${seed}`, command);
      return metrics[metric] ?? Number.NaN;
    };
    const pretrained = async (seed: string): Promise<number> => {
      const { folder } = await runner.run(
        `${name}-pretrain-${values.pretrain}min-seed${seed}`,
        ['pretrain', ...data, '--minutes', values.pretrain, '--seed', seed, ...shared, ...depth],
        { keepWeights: true },
      );
      return finetune(`from-${values.pretrain}min`, values.finetune, seed, ['--checkpoint', folder]);
    };
    const seeds = values.seeds.split(',');
    const arms = [
      [`pretrained ${values.pretrain} min, fine-tuned ${values.finetune}`, (seed: string) => pretrained(seed)],
      [`random weights, ${values.finetune} min`, (seed: string) => finetune('random', values.finetune, seed, [])],
      [`random weights, ${total} min`, (seed: string) => finetune('random', total, seed, [])],
    ] as const;
    const rows = await Promise.all(
      arms.map(async ([title, train]) => [title, overSeeds(await Promise.all(seeds.map(train)), digits)]),
    );
    writeResult(`own-pictures-${name}.md`, markdownTable([name, metric.slice(3)], rows));
  }
}
