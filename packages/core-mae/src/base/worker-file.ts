import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The path of a worker thread's built file: beside this module in the package, in `dist/` when this module runs from
 * its source.
 */
export function workerFile(name: string): string {
  const beside = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  if (existsSync(beside)) return beside;
  const built = fileURLToPath(new URL(`../../dist/${name}.js`, import.meta.url));
  if (existsSync(built)) return built;
  throw new Error(`The worker threads' file ${built} is missing: run \`npm run build\`.`);
}
