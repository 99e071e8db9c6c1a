import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What a bench exports: its results, each printed as one line of JSON. */
interface Bench {
  run(): unknown;
}

const folder = fileURLToPath(new URL('.', import.meta.url));
/** Folders of benches by topic; what several of them share lies beside this file. */
const topics = ['coco', 'command', 'data', 'detection', 'engine', 'training'];
const files = new Map(
  topics.flatMap((topic) =>
    readdirSync(`${folder}${topic}`)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [name.slice(0, -3), `./${topic}/${name}`] as const),
  ),
);

const names = process.argv.slice(2);
if (names.length === 0 || !names.every((name) => files.has(name))) {
  console.error(`usage: npm run bench -- <name>…\nfiles: ${[...files.keys()].sort().join(', ')}`);
  process.exit(2);
}
for (const name of names) {
  const file = files.get(name)!;
  const { run } = (await import(new URL(file, import.meta.url).href)) as Partial<Bench>;
  if (run === undefined) throw new Error(`bench/${file.slice(2)} is no bench: it exports no run()`);
  const results = await run();
  for (const result of Array.isArray(results) ? (results as unknown[]) : [results]) console.log(JSON.stringify(result));
}
