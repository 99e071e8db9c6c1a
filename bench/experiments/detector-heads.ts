import { parseArgs } from 'node:util';
import { markdownTable, overSeeds, writeResult } from './results.js';
import { createRunner } from './runner.js';

/** Sets with boxes and with masks, and the side of their pictures: the same for both heads. */
const SETS = [
  { name: 'cells', side: 160, metrics: ['valBoxAP', 'valBoxAP50'] },
  { name: 'nuclei', side: 256, metrics: ['valBoxAP', 'valMaskAP', 'valMaskAP50'] },
] as const;
const HEADS = [
  { name: 'one stage', settings: (side: number) => ['--image-size', String(side)] },
  {
    name: 'two stages, trimmed',
    settings: (side: number) => [
      ...['--config', 'bench/experiments/detector-heads/two-stage.yaml', '--image-size', String(side)],
    ],
  },
] as const;

/**
 * The two heads of detection from random weights in the same minutes, two trainings side by side with a processor each.
 *
 * `npm run experiment -- detector-heads --minutes 2,5,10,20 --seeds 0,1,2`
 */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      minutes: { type: 'string', default: '2,5,10,20' },
      seeds: { type: 'string', default: '0,1,2' },
      only: { type: 'string', default: SETS.map(({ name }) => name).join(',') },
    },
  });
  const runner = createRunner('detector-heads', { jobs: 2, threads: 2 });
  const tables: string[] = [];
  for (const { name, side, metrics } of SETS.filter((set) => values.only.split(',').includes(set.name))) {
    for (const minutes of values.minutes.split(',')) {
      const rows = await Promise.all(
        HEADS.map(async (head) => {
          const runs = await Promise.all(
            values.seeds.split(',').map((seed) => {
              const command = [
                ...['finetune', 'detect', '--data', `../shared/data/${name}`, '--minutes', minutes, '--seed', seed],
                ...[...head.settings(side), '--set', 'data.workers=1'],
              ];
              return runner.run(`${name}-${head.name.replaceAll(/\W+/gu, '-')}-${minutes}min-seed${seed}`, command);
            }),
          );
          const cells = metrics.map((metric) =>
            overSeeds(
              runs.map((each) => each.metrics[metric] ?? Number.NaN),
              3,
            ),
          );
          return [head.name, ...cells];
        }),
      );
      tables.push(markdownTable([`${name}, ${minutes} minutes`, ...metrics.map((metric) => metric.slice(3))], rows));
    }
  }
  writeResult('detector-heads.md', tables.join('\n'));
}
