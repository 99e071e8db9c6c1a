// Compiles WebAssembly text into a TypeScript module beside it that holds its bytes:
//   npx tsx packages/core-mae/scripts/compile-wasm.ts packages/core-mae/src/data/images/resampling/resize-kernels.wat
// The result is committed, so that building the package needs no WebAssembly tools; a test compares the two.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import createWabt from 'wabt';

/** Where the compiled bytes of a `.wat` file are kept, as source code, so that no bundler has to find a binary file. */
export function compiledPath(wat: string): string {
  return wat.replace(/\.wat$/u, '.wasm.ts');
}

/** The text of the module at `compiledPath(wat)`. */
export async function compileWasm(wat: string): Promise<string> {
  const name = basename(wat);
  const wabt = await createWabt();
  const module = wabt.parseWat(name, readFileSync(wat, 'utf8'), { simd: true, multi_value: true });
  module.validate();
  const { buffer } = module.toBinary({ canonicalize_lebs: true });
  module.destroy();
  const lines = Buffer.from(buffer)
    .toString('base64')
    .match(/.{1,100}/gu)!;
  return [
    `/** ${name}, compiled by scripts/compile-wasm.ts: base64 of its bytes. */`,
    'export const wasmBase64 = [',
    ...lines.map((line) => `  '${line}',`),
    `].join('');`,
    '',
  ].join('\n');
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  for (const wat of argv.slice(2)) writeFileSync(compiledPath(wat), await compileWasm(wat));
}
