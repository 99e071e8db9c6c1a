export interface WasmMemory {
  /** A new buffer after every growth. */
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** The part of the WebAssembly API that is used here; Node's type declarations leave it to the browser's. */
interface WasmApi {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

const PAGE_BYTES = 1 << 16;
/** Vector loads and stores may go this far past the end of a piece of memory. */
const PADDING = 64;

/** What a module exports, from the base64 of its bytes; undefined where this machine cannot run it (no SIMD). */
export function instantiateWasm<Exports>(base64: string): Exports | undefined {
  const bytes = Buffer.from(base64, 'base64');
  const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly?: WasmApi };
  if (wasm?.validate(bytes) !== true) return undefined;
  return new wasm.Instance(new wasm.Module(bytes)).exports as Exports;
}

/** Addresses of consecutive pieces of these sizes, each aligned; the memory grows where it is too small. */
export function layOut<Name extends string>(memory: WasmMemory, sizes: Record<Name, number>): Record<Name, number> {
  let end = 0;
  const addresses = {} as Record<Name, number>;
  for (const name of Object.keys(sizes) as Name[]) {
    addresses[name] = end;
    end = roundUp(end + sizes[name] + PADDING, 16);
  }
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  return addresses;
}

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
