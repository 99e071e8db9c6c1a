import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What a bench exports: its results, each printed as one line of JSON. */
interface Bench {
  run(): unknown;
}

const folder = fileURLToPath(new URL('.', import.meta.url));
const isBench = (name: string): boolean => /^[a-z0-9-]+$/u.test(name) && existsSync(`${folder}${name}.ts`);

const names = process.argv.slice(2);
if (names.length === 0 || !names.every(isBench)) {
  const found = readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'main.ts');
  console.error(`usage: npm run bench -- <name>…\nfiles: ${found.map((name) => name.slice(0, -3)).join(', ')}`);
  process.exit(2);
}
for (const name of names) {
  const { run } = (await import(new URL(`./${name}.ts`, import.meta.url).href)) as Partial<Bench>;
  if (run === undefined) throw new Error(`bench/${name}.ts is no bench: it exports no run()`);
  const results = await run();
  for (const result of Array.isArray(results) ? (results as unknown[]) : [results]) console.log(JSON.stringify(result));
}
