import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { repositoryPath } from './install-project.js';

/** Packages that a built file loads before anything runs, its own chunks followed. */
function loadedAtStart(file: string, seen = new Set<string>(), packages = new Set<string>()): Set<string> {
  if (seen.has(file)) return packages;
  seen.add(file);
  // Static imports end a line; dynamic ones, `import(…)`, wait until they are needed.
  const loading = /^(?:import|\} from|export .* from)[^(\n]*"([^"]+)";$|__require\("([^"]+)"\)/gmu;
  for (const [, imported, required] of readFileSync(file, 'utf8').matchAll(loading)) {
    const target = (imported ?? required)!;
    const door = /^@mae-tasks\/core-mae\/(.+)$/u.exec(target)?.[1];
    if (target.startsWith('.')) loadedAtStart(join(dirname(file), target), seen, packages);
    else if (door !== undefined) loadedAtStart(repositoryPath(`packages/core-mae/dist/${door}.js`), seen, packages);
    else if (!isBuiltin(target)) packages.add(target);
  }
  return packages;
}

it('the command starts without TF.js, sharp, zod, InversifyJS, tables of Unicode and all else that is heavy', () => {
  const packages = [...loadedAtStart(repositoryPath('packages/cli/dist/main.js'))].sort();
  expect(packages).toEqual(['commander', 'picocolors']);
});

it('and what it does load is found by the way that this test goes', () => {
  const packages = loadedAtStart(repositoryPath('packages/core-mae/dist/index.js'));
  for (const heavy of ['zod', 'reflect-metadata', '@tensorflow/tfjs']) expect(packages).toContain(heavy);
});
