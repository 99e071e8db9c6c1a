import { readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import createWabt from 'wabt';

const folder = new URL('../src/engine/kernels/', import.meta.url);
const source = fileURLToPath(new URL('vector-kernels.wat', folder));

/** Where the compiled kernels are kept, as source code, so that no bundler has to find a binary file. */
export const compiledKernels = fileURLToPath(new URL('vector-kernels-wasm.ts', folder));

/** The text of `vector-kernels-wasm.ts`: `vector-kernels.wat` compiled. */
export async function compileKernels(): Promise<string> {
  const wabt = await createWabt();
  const module = wabt.parseWat(source, readFileSync(source, 'utf8'), { simd: true, multi_value: true });
  module.validate();
  const { buffer } = module.toBinary({});
  module.destroy();
  const lines = Buffer.from(buffer)
    .toString('base64')
    .match(/.{1,100}/g)!;
  const text = `/**
 * \`vector-kernels.wat\` compiled to WebAssembly, in base64. Written by \`npx tsx packages/core-mae/scripts/compile-kernels.ts\`.
 */
export const VECTOR_KERNELS_WASM = [${lines.map((line) => `'${line}'`).join(',')}].join('');
`;
  return format(text, { ...(await resolveConfig(compiledKernels)), parser: 'typescript' });
}

if (argv[1] === fileURLToPath(import.meta.url)) writeFileSync(compiledKernels, await compileKernels());
