export interface WasmMemory {
  /** A new buffer after every growth. */
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const PAGE_BYTES = 1 << 16;
/** Vector loads and stores may go this far past the end of a piece of memory. */
const PADDING = 64;

const compiled = new Map<string, WebAssembly.Module>();

/**
 * What a module exports, from the base64 of its bytes; undefined where this machine cannot run it (no SIMD).
 *
 * @param imports what the module asks for, by module and name; default nothing
 */
export function instantiateWasm<Exports>(
  base64: string,
  imports: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
): Exports | undefined {
  let module = compiled.get(base64);
  if (module === undefined) {
    const bytes = Buffer.from(base64, 'base64');
    if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(bytes)) return undefined;
    module = new WebAssembly.Module(bytes);
    compiled.set(base64, module);
  }
  return new WebAssembly.Instance(module, imports).exports as Exports;
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
