import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable, overSeeds, writeResult } from './results.js';
import { createRunner } from './runner.js';
import { runPeer } from './small-data/peer.js';
import { type Row, rows } from './small-data/rows.js';

/** Where the data sets lie, beside the repository. */
const DATA = '../shared/data';

/**
 * Plain commands with `--minutes`, and peers from random weights with as many: what a person with some hundred pictures
 * gets from two cores.
 *
 * `npm run experiment -- small-data --minutes 5 --seeds 0,1,2 --only cells,groceries`
 *
 * `--threads 1` gives one processor to each side, and both train at the same time.
 */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      minutes: { type: 'string', default: '5,10,20' },
      seeds: { type: 'string', default: '0,1,2' },
      threads: { type: 'string', default: String(cpus().length) },
      only: { type: 'string', default: rows.map(({ name }) => name).join(',') },
    },
  });
  const budgets = values.minutes.split(',').map(Number);
  const seeds = values.seeds.split(',').map(Number);
  const chosen = values.only.split(',');
  const threads = Number(values.threads);
  const machine = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} processors, ${threads} for each side`;
  for (const row of rows.filter(({ name }) => chosen.includes(name))) {
    const tables: string[] = [];
    const kept: Record<string, unknown> = { machine };
    for (const minutes of budgets) {
      const lines = await measure(row, { minutes, seeds, threads });
      kept[`${minutes} minutes`] = lines;
      const cells = lines.map(({ title, values: each }) => [
        title,
        ...each.map((numbers) => overSeeds(numbers, Math.max(...numbers) > 1 ? 1 : 3)),
      ]);
      const header = [`${row.title}, ${minutes} minutes`, ...row.metrics.map(({ title }) => title)];
      tables.push(markdownTable(header, cells));
    }
    writeResult(`small-data-${row.name}.json`, `${JSON.stringify(kept, null, 2)}\n`);
    writeResult(`small-data-${row.name}.md`, tables.join('\n'));
  }
}

interface Line {
  readonly title: string;
  /** What a reader types for the first seed. */
  readonly command: string;
  /** By metric, then by seed. */
  readonly values: ReadonlyArray<readonly number[]>;
}

interface Budget {
  readonly minutes: number;
  readonly seeds: readonly number[];
  /** Processors of each side. */
  readonly threads: number;
}

async function measure(row: Row, { minutes, seeds, threads }: Budget): Promise<Line[]> {
  const runner = createRunner('small-data', { jobs: 1, threads });
  const shared = threads < cpus().length;
  const data = join(DATA, row.data);
  const ours: Array<Readonly<Record<string, number>>> = [];
  const commands: string[] = [];
  const theirs = row.peers.map((): Array<Readonly<Record<string, number>>> => []);
  for (const seed of seeds) {
    const command = [
      ...['finetune', row.task, '--data', data, '--minutes', String(minutes), '--seed', String(seed)],
      ...(shared ? ['--set', `threads=${threads}`, `data.workers=${threads}`] : []),
    ];
    const name = `${row.name}-${minutes}min-seed${seed}`;
    const ourRun = runner.run(name, command, { plain: true });
    if (!shared) await ourRun;
    for (const [index, { title, script, args }] of row.peers.entries()) {
      const given = [data, ...args, '--minutes', String(minutes), '--seed', String(seed), '--threads', String(threads)];
      theirs[index]!.push(await runPeer(`${name}-${title.replaceAll(/\W+/gu, '-')}`, script, given));
    }
    const finished = await ourRun;
    ours.push(finished.metrics);
    commands.push(finished.command);
  }
  return [
    {
      title: 'mae-tasks',
      command: commands[0] ?? '',
      values: row.metrics.map((metric) => ours.map((each) => each[metric.ours] ?? Number.NaN)),
    },
    ...row.peers.map(({ title, script, args }, index) => ({
      title,
      command: [`bench/peers/${script}`, data, ...args, '--minutes', String(minutes)].join(' '),
      values: row.metrics.map((metric) =>
        theirs[index]!.map((each) => metric.scale * (each[metric.peer] ?? Number.NaN)),
      ),
    })),
  ];
}
