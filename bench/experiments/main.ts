import { existsSync } from 'node:fs';

/** What an experiment exports. */
interface Experiment {
  run(): Promise<void>;
}

const [name = ''] = process.argv.slice(2);
const file = new URL(`./${name}.ts`, import.meta.url);
if (!/^[a-z0-9-]+$/u.test(name) || !existsSync(file)) {
  console.error('usage: npm run experiment -- <name>, a file of bench/experiments: fashion-mnist, segment-stamps');
  process.exit(2);
}
const { run } = (await import(file.href)) as Partial<Experiment>;
if (run === undefined) throw new Error(`bench/experiments/${name}.ts is no experiment: it exports no run()`);
await run();
