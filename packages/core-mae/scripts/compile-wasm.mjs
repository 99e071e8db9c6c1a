// Compiles WebAssembly text into a TypeScript module that holds its bytes:
//   node packages/core-mae/scripts/compile-wasm.mjs packages/core-mae/src/data/images/resampling/resize-kernels.wat
// The result is committed, so that building the package needs no WebAssembly tools; a test compares the two.
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';
import wabt from 'wabt';

const { parseWat } = await wabt();
for (const path of process.argv.slice(2)) {
  const name = basename(path);
  const text = readFileSync(path, 'utf8');
  const { buffer } = parseWat(name, text, { simd: true }).toBinary({ canonicalize_lebs: true });
  const base64 = Buffer.from(buffer).toString('base64');
  const lines = base64.match(/.{1,100}/gu).map((line) => `  '${line}',`);
  const source = [
    `/** ${name}, compiled by scripts/compile-wasm.mjs: base64 of its bytes. */`,
    `export const wasmBase64 = [`,
    ...lines,
    `].join('');`,
    '',
  ].join('\n');
  writeFileSync(path.replace(/\.wat$/u, '.wasm.ts'), source);
}
