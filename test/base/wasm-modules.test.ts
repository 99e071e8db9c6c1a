import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { instantiateWasm } from '#core/base/wasm-module.js';
import { compiledPath, compileWasm } from '../../packages/core-mae/scripts/compile-wasm.js';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));
const sources = readdirSync(packages).flatMap((name) => {
  const source = join(packages, name, 'src');
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.wat'))
    .map((file) => join(source, file));
});

describe('modules of WebAssembly', () => {
  it.each(sources.map((path) => path.slice(packages.length + 1)))('%s is what is compiled beside it', async (path) => {
    const source = join(packages, path);
    expect(readFileSync(compiledPath(source), 'utf8')).toBe(await compileWasm(source));
  });

  it('are four: of optimizers, resizing, normalising and pooling', () => {
    expect(sources).toHaveLength(4);
  });

  it('that this machine cannot run give nothing', () => {
    expect(instantiateWasm(Buffer.from('no module').toString('base64'))).toBeUndefined();
  });
});
