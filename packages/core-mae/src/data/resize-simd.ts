import type { Image } from './picture.js';
import type { Coefficients } from './resize-coefficients.js';
import { wasmBase64 } from './resize-kernels.wasm.js';
import { rowsNeeded } from './resize-plain.js';

interface WasmMemory {
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

/** The functions of resize-kernels.wat; all parameters are addresses, sizes in bytes, or counts. */
interface Kernels {
  readonly memory: WasmMemory;
  resampleRows(
    input: number,
    inputStride: number,
    numRows: number,
    channels: number,
    output: number,
    outputStride: number,
    width: number,
    starts: number,
    pairs: number,
    weights: number,
    weightStride: number,
    spread: number,
  ): void;
  resampleColumns(input: number, stride: number, output: number, weights: number, pairs: number): void;
}

/** As `resamplePlain`, to the last bit. */
export type Resample = (
  image: Image,
  left: number,
  top: number,
  horizontal: Coefficients,
  vertical: Coefficients,
) => Uint8Array;

/** Source rows are copied into WebAssembly memory in strips of about this many bytes, which stay in the cache. */
const STRIP_BYTES = 1 << 17;
const PAGE_BYTES = 1 << 16;
/** Vector loads may read this far past a row's last pixel. */
const PADDING = 64;
const WEIGHT_SPLIT_BITS = 12;

/** The resampler with WebAssembly SIMD, for 1 to 4 channels; undefined where this machine cannot run it. */
export function createSimdResampler(): Resample | undefined {
  const bytes = Buffer.from(wasmBase64, 'base64');
  const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly?: WasmApi };
  if (wasm?.validate(bytes) !== true) return undefined;
  const kernels = new wasm.Instance(new wasm.Module(bytes)).exports as Kernels;
  return (image, left, top, horizontal, vertical) => resampleSimd(kernels, image, left, top, horizontal, vertical);
}

function resampleSimd(
  kernels: Kernels,
  image: Image,
  left: number,
  top: number,
  horizontal: Coefficients,
  vertical: Coefficients,
): Uint8Array {
  const { channels } = image;
  const width = horizontal.starts.length;
  const height = vertical.starts.length;
  const { firstRow, numRows } = rowsNeeded(vertical);
  const inputStride = image.width * channels;
  const stripRows = Math.min(numRows, Math.max(1, Math.floor(STRIP_BYTES / inputStride)));
  const stride = roundUp(width * channels, 16);
  const layout = layOut(kernels.memory, {
    spread: 16,
    rowStarts: width * 4,
    rowPairs: width * 4,
    rowWeights: horizontal.weights.length * 4,
    columnWeights: vertical.weights.length * 4,
    strip: stripRows * inputStride,
    // One row more, which an odd number of weights reads with weight 0.
    narrowed: (numRows + 1) * stride,
    output: height * stride,
  });
  const memory = new Uint8Array(kernels.memory.buffer);
  memory.set(spreadOf(channels), layout.spread);
  writeIndices(kernels.memory, layout.rowStarts, layout.rowPairs, horizontal, channels);
  writeWeights(kernels.memory, layout.rowWeights, horizontal.weights);
  writeWeights(kernels.memory, layout.columnWeights, vertical.weights);
  for (let row = 0; row < numRows; row += stripRows) {
    const rows = Math.min(stripRows, numRows - row);
    const from = (top + firstRow + row) * inputStride;
    memory.set(image.data.subarray(from, from + rows * inputStride), layout.strip);
    kernels.resampleRows(
      layout.strip + left * channels,
      inputStride,
      rows,
      channels,
      layout.narrowed + row * stride,
      stride,
      width,
      layout.rowStarts,
      layout.rowPairs,
      layout.rowWeights,
      horizontal.maxCount * 4,
      layout.spread,
    );
  }
  for (let y = 0; y < height; y++) {
    kernels.resampleColumns(
      layout.narrowed + (vertical.starts[y]! - firstRow) * stride,
      stride,
      layout.output + y * stride,
      layout.columnWeights + y * vertical.maxCount * 4,
      pairsOf(vertical.counts[y]!),
    );
  }
  return withoutPadding(memory, layout.output, stride, width * channels, height);
}

/** Addresses of consecutive pieces of these sizes, each aligned; the memory grows where it is too small. */
function layOut<Name extends string>(memory: WasmMemory, sizes: Record<Name, number>): Record<Name, number> {
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

/** The shuffle that takes two pixels to `[r0, 0, r1, 0, g0, 0, g1, 0, …]`: pairs of 16-bit values by channel. */
function spreadOf(channels: number): Uint8Array {
  const nothing = 255;
  const shuffle = new Uint8Array(16).fill(nothing);
  for (let channel = 0; channel < channels; channel++) {
    shuffle[4 * channel] = channel;
    shuffle[4 * channel + 2] = channels + channel;
  }
  return shuffle;
}

function writeIndices(
  memory: WasmMemory,
  startsAt: number,
  pairsAt: number,
  { starts, counts }: Coefficients,
  channels: number,
): void {
  const startBytes = new Int32Array(memory.buffer, startsAt, starts.length);
  const pairs = new Int32Array(memory.buffer, pairsAt, starts.length);
  for (let position = 0; position < starts.length; position++) {
    startBytes[position] = starts[position]! * channels;
    pairs[position] = pairsOf(counts[position]!);
  }
}

/** Two weights as `[high0, high1, low0, low1]`; each position's count is even, so pairs never cross positions. */
function writeWeights(memory: WasmMemory, address: number, weights: Int32Array): void {
  const halves = new Int16Array(memory.buffer, address, weights.length * 2);
  const lowMask = (1 << WEIGHT_SPLIT_BITS) - 1;
  for (let at = 0; at < weights.length; at += 2) {
    const [first, second] = [weights[at]!, weights[at + 1]!];
    halves[2 * at] = first >> WEIGHT_SPLIT_BITS;
    halves[2 * at + 1] = second >> WEIGHT_SPLIT_BITS;
    halves[2 * at + 2] = first & lowMask;
    halves[2 * at + 3] = second & lowMask;
  }
}

function pairsOf(count: number): number {
  return (count + 1) >> 1;
}

function withoutPadding(memory: Uint8Array, address: number, stride: number, length: number, rows: number): Uint8Array {
  if (stride === length) return memory.slice(address, address + rows * stride);
  const output = new Uint8Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const from = address + row * stride;
    output.set(memory.subarray(from, from + length), row * length);
  }
  return output;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
