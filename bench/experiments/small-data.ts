import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable, meanOf, writeResult } from './results.js';
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
 */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      minutes: { type: 'string', default: '5,10,20' },
      seeds: { type: 'string', default: '0,1,2' },
      only: { type: 'string', default: rows.map(({ name }) => name).join(',') },
    },
  });
  const budgets = values.minutes.split(',').map(Number);
  const seeds = values.seeds.split(',').map(Number);
  const chosen = values.only.split(',');
  const tables: string[] = [];
  const kept: Record<string, unknown> = { machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} threads` };
  for (const row of rows.filter(({ name }) => chosen.includes(name))) {
    for (const minutes of budgets) {
      const lines = await measure(row, minutes, seeds);
      kept[`${row.name}, ${minutes} minutes`] = lines;
      const cells = lines.map(({ title, values: each }) => [title, ...each.map((numbers) => shown(numbers))]);
      const header = [`${row.title}, ${minutes} minutes`, ...row.metrics.map(({ title }) => title)];
      tables.push(markdownTable(header, cells));
    }
  }
  writeResult('small-data.json', `${JSON.stringify(kept, null, 2)}\n`);
  writeResult('small-data.md', tables.join('\n'));
}

interface Line {
  readonly title: string;
  /** What a reader types for the first seed. */
  readonly command: string;
  /** By metric, then by seed. */
  readonly values: ReadonlyArray<readonly number[]>;
}

async function measure(row: Row, minutes: number, seeds: readonly number[]): Promise<Line[]> {
  const runner = createRunner('small-data', { jobs: 1, threads: cpus().length });
  const data = join(DATA, row.data);
  const ours: Array<Readonly<Record<string, number>>> = [];
  const commands: string[] = [];
  const theirs = row.peers.map((): Array<Readonly<Record<string, number>>> => []);
  for (const seed of seeds) {
    const command = ['finetune', row.task, '--data', data, '--minutes', String(minutes), '--seed', String(seed)];
    const name = `${row.name}-${minutes}min-seed${seed}`;
    const finished = await runner.run(name, command, { plain: true });
    ours.push(finished.metrics);
    commands.push(finished.command);
    row.peers.forEach(({ title, script, args }, index) => {
      const given = [data, ...args, '--minutes', String(minutes), '--seed', String(seed)];
      theirs[index]!.push(runPeer(`${name}-${title.replaceAll(/\W+/gu, '-')}`, script, given));
    });
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

function shown(values: readonly number[]): string {
  const digits = Math.max(...values) > 1 ? 1 : 3;
  const { mean, deviation } = meanOf(values);
  const each = values.map((value) => value.toFixed(digits)).join(', ');
  return values.length === 1 ? each : `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)} (${each})`;
}
