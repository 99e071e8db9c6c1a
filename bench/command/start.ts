import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const core = fileURLToPath(new URL('../../packages/core-mae/dist/index.js', import.meta.url));
const ROUNDS = 15;

function seconds(args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed (build first: npm run build:js):\n${stderr}`);
  return (performance.now() - start) / 1000;
}

/** How long `mae-tasks --help` takes, and the library's import, against Node.js doing nothing: medians, in turn. */
export function run(): object {
  const sides = {
    node: ['-e', ''],
    help: [main, '--help'],
    library: ['--input-type=module', '-e', `await import(${JSON.stringify(core)})`],
  };
  const times = Object.entries(sides).map(([name, args]) => ({ name, args, all: [] as number[] }));
  for (let round = 0; round < ROUNDS; round++) for (const { args, all } of times) all.push(seconds(args));
  const [node, help, library] = times.map(({ all }) => all.toSorted((a, b) => a - b)[ROUNDS >> 1]!) as [
    number,
    number,
    number,
  ];
  return {
    name: 'start',
    ratio: help / node,
    nodeSeconds: node,
    helpSeconds: help,
    librarySeconds: library,
    rounds: ROUNDS,
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} threads, Node ${process.versions.node}`,
  };
}
