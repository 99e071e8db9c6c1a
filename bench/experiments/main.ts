import { readdirSync } from 'node:fs';

/** What an experiment exports. */
interface Experiment {
  run(): Promise<void>;
}

const folder = new URL('./', import.meta.url);
/** Files beside this one that have a folder of their own: settings and drawings. */
const experiments = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'results')
  .map(({ name }) => name);
const [name = ''] = process.argv.slice(2);
if (!experiments.includes(name)) {
  console.error(`usage: npm run experiment -- <name>, one of: ${experiments.join(', ')}`);
  process.exit(2);
}
const file = new URL(`${name}.ts`, folder);
const { run } = (await import(file.href)) as Partial<Experiment>;
if (run === undefined) throw new Error(`bench/experiments/${name}.ts is no experiment: it exports no run()`);
await run();
