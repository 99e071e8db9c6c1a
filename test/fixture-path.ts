import { fileURLToPath } from 'node:url';

/** Where a file of numbers that other implementations computed lies; `path` is below `test/fixtures/`. */
export function fixturePath(path: string): string {
  return fileURLToPath(new URL(`fixtures/${path}`, import.meta.url));
}
