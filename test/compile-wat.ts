import { readFileSync } from 'node:fs';
import wabt from 'wabt';

/** Base64 of the bytes that WebAssembly text compiles to, as `compile-wasm.mjs` writes it. @param path from the repository */
export async function compileWat(path: string): Promise<string> {
  const text = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const compiler = await wabt();
  const { buffer } = compiler.parseWat(path, text, { simd: true }).toBinary({ canonicalize_lebs: true });
  return Buffer.from(buffer).toString('base64');
}
