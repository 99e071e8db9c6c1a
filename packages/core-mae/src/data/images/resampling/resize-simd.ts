import type { Image } from '../picture.js';
import type { Coefficients } from './resize-coefficients.js';
import { wasmBase64 } from './resize-kernels.wasm.js';
import { rowsNeeded } from './resize-plain.js';
import { instantiateWasm, layOut, roundUp, type WasmMemory } from '../../../base/wasm-module.js';

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
const WEIGHT_SPLIT_BITS = 12;

/** The resampler with WebAssembly SIMD, for 1 to 4 channels; undefined where this machine cannot run it. */
export function createSimdResampler(): Resample | undefined {
  const kernels = instantiateWasm<Kernels>(wasmBase64);
  if (kernels === undefined) return undefined;
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
  // Rows are resampled four at a time.
  const stripRows = Math.min(roundUp(numRows, 4), Math.max(4, roundUp(STRIP_BYTES / inputStride, 4)));
  // Each pixel is stored as four bytes, of which the next one covers the rest; the last one's must not reach a row.
  const stride = roundUp(width * channels + 4 - channels, 16);
  const layout = layOut(kernels.memory, {
    spread: 16,
    rowStarts: width * 4,
    rowWeights: horizontal.weights.length * 4,
    columnWeights: vertical.weights.length * 4,
    strip: stripRows * inputStride,
    // One row more, which an odd number of weights reads with weight 0.
    narrowed: (roundUp(numRows, 4) + 1) * stride,
    output: height * width * channels,
  });
  const memory = new Uint8Array(kernels.memory.buffer);
  memory.set(spreadOf(channels), layout.spread);
  const starts = new Int32Array(kernels.memory.buffer, layout.rowStarts, width);
  for (let position = 0; position < width; position++) starts[position] = horizontal.starts[position]! * channels;
  writeWeights(kernels.memory, layout.rowWeights, horizontal.weights);
  writeWeights(kernels.memory, layout.columnWeights, vertical.weights);
  const rowPairs = pairsOf(horizontal.counts.reduce((most, count) => Math.max(most, count)));
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
      rowPairs,
      layout.rowWeights,
      horizontal.maxCount * 4,
      layout.spread,
    );
  }
  for (let y = 0; y < height; y++) {
    kernels.resampleColumns(
      layout.narrowed + (vertical.starts[y]! - firstRow) * stride,
      stride,
      layout.output + y * width * channels,
      layout.columnWeights + y * vertical.maxCount * 4,
      pairsOf(vertical.counts[y]!),
    );
  }
  return memory.slice(layout.output, layout.output + height * width * channels);
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
