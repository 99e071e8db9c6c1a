import type { Box } from '../contracts/transform.js';
import type { JpegComponent, JpegFrame } from './jpeg-frame.js';
import { HUFFMAN_TABLE_BYTES } from './jpeg-huffman.js';
import { wasmBase64 } from './jpeg-kernels.wasm.js';
import type { Image } from './picture.js';
import { instantiateWasm, layOut, roundUp, type WasmMemory } from './wasm-module.js';

/** The functions of jpeg-kernels.wat; all parameters are addresses, sizes in bytes, or counts. */
interface Kernels {
  readonly memory: WasmMemory;
  readonly unstuff: (from: number, to: number, ends: number) => number;
  readonly startImage: () => void;
  readonly startBits: (from: number) => void;
  readonly consumedTo: () => number;
  readonly decodeMcus: (
    numMcus: number,
    blocks: number,
    numBlocks: number,
    numColumns: number,
    left: number,
    right: number,
    top: number,
    scratch: number,
  ) => number;
  readonly upsampleRow: (
    near: number,
    far: number,
    count: number,
    roundEven: number,
    roundOdd: number,
    sums: number,
    to: number,
  ) => void;
  readonly convertRow: (y: number, cb: number, cr: number, to: number, count: number) => void;
}

/** Larger pictures are left to libvips: WebAssembly memory never shrinks. */
const MAX_PIXELS = 2 ** 24;

/** Natural position of each coefficient in the order of the stream: ITU T.81, figure A.6. */
const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
];

/** Made at the first use; null where the machine has no SIMD. */
let kernels: Kernels | null | undefined;

/** The part of the picture that is decoded. Columns and rows of MCUs and of chroma samples, ends exclusive. */
interface Region {
  readonly box: Box;
  readonly numColumns: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly chromaLeft: number;
  readonly chromaRight: number;
  /** Rows of chroma in the whole picture. */
  readonly chromaHeight: number;
}

interface Plane {
  readonly address: number;
  readonly stride: number;
}

/**
 * What `use` makes of the pixels of a box of whole numbers, `[H, W, 1]` (grey) or `[H, W, 3]` (RGB), which equal
 * libjpeg-turbo's with its default settings to the last bit. They lie in memory that the next picture takes: `use` must
 * not keep them. Only what the box needs is transformed, and nothing after it is looked at.
 * Undefined where the data is damaged, the picture very large or the machine without SIMD: libvips then decides.
 */
export function decodeJpeg<Result extends object>(
  bytes: Uint8Array,
  frame: JpegFrame,
  box: Box,
  use: (image: Image) => Result,
): Result | undefined {
  if (frame.width * frame.height > MAX_PIXELS) return undefined;
  kernels ??= instantiateWasm<Kernels>(wasmBase64) ?? null;
  if (kernels === null) return undefined;
  const region = regionOf(frame, box);
  if (isTooShort(bytes.length - frame.dataStart, frame, region)) return undefined;
  const { layout, planes } = layOutPicture(kernels.memory, bytes.length - frame.dataStart, frame, region);
  writeInputs(kernels.memory, bytes, frame, planes, layout);
  if (!decodeScan(kernels, frame, region, layout)) return undefined;
  if (frame.components.length === 1) copyGrey(kernels.memory, planes[0]!, region, layout);
  else convertColors(kernels, frame, planes, region, layout);
  const [width, height, channels] = [box[2] - box[0], box[3] - box[1], frame.components.length];
  return use({
    data: new Uint8Array(kernels.memory.buffer, layout.pixels, width * height * channels),
    width,
    height,
    channels,
  });
}

/** Whether a header claims so much that the data cannot hold it: every block takes two codes of at least one bit. */
function isTooShort(numBytes: number, { components }: JpegFrame, { numColumns, bottom }: Region): boolean {
  return numColumns * bottom * numBlocksOf(components) > 4 * numBytes;
}

/** Blocks in an MCU. */
function numBlocksOf(components: readonly JpegComponent[]): number {
  return components.reduce((sum, { across, down }) => sum + across * down, 0);
}

function regionOf({ width, height, components }: JpegFrame, box: Box): Region {
  const { across, down } = components[0]!;
  const [x0, y0, x1, y1] = box;
  const chromaHeight = Math.ceil(height / down);
  // Smooth upsampling reads one sample more on each side.
  const horizontal = chromaRange(x0, x1, across, Math.ceil(width / across));
  const vertical = chromaRange(y0, y1, down, chromaHeight);
  return {
    box,
    numColumns: Math.ceil(width / (8 * across)),
    left: horizontal[0] >> 3,
    right: (horizontal[1] + 7) >> 3,
    top: vertical[0] >> 3,
    bottom: (vertical[1] + 7) >> 3,
    chromaLeft: horizontal[0],
    chromaRight: horizontal[1],
    chromaHeight,
  };
}

function chromaRange(start: number, end: number, factor: number, size: number): readonly [number, number] {
  if (factor === 1) return [start, end];
  return [Math.max(0, Math.floor(start / factor) - 1), Math.min(size, Math.floor((end - 1) / factor) + 2)];
}

type Layout = Record<
  | 'orders'
  | 'predictions'
  | 'blocks'
  | 'scratch'
  | 'ends'
  | 'tables'
  | 'source'
  | 'packed'
  | 'samples'
  | 'sums'
  | 'cb'
  | 'cr'
  | 'pixels',
  number
>;

function layOutPicture(
  memory: WasmMemory,
  numBytes: number,
  { components }: JpegFrame,
  { left, right, top, bottom, chromaLeft, chromaRight, box }: Region,
): { readonly layout: Layout; readonly planes: readonly Plane[] } {
  let numSamples = 0;
  const pieces = components.map(({ across, down }) => {
    const stride = (right - left) * 8 * across;
    const offset = numSamples;
    // Vector loads may pass a plane's end.
    numSamples = roundUp(numSamples + stride * (bottom - top) * 8 * down + 16, 16);
    return { offset, stride };
  });
  const numChroma = roundUp(chromaRight - chromaLeft, 8);
  const layout: Layout = layOut(memory, {
    orders: 3 * 256,
    predictions: 3 * 4,
    blocks: 6 * 32,
    scratch: 384,
    ends: 4,
    tables: 6 * HUFFMAN_TABLE_BYTES,
    source: numBytes,
    packed: numBytes,
    samples: numSamples,
    sums: 2 * numChroma,
    cb: 2 * numChroma,
    cr: 2 * numChroma,
    pixels: components.length * (box[2] - box[0]) * (box[3] - box[1]),
  });
  const planes = pieces.map(({ offset, stride }) => ({ address: layout.samples + offset, stride }));
  return { layout, planes };
}

function writeInputs(
  memory: WasmMemory,
  bytes: Uint8Array,
  { components, dataStart }: JpegFrame,
  planes: readonly Plane[],
  layout: Layout,
): void {
  const all = new Uint8Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  all.set(bytes.subarray(dataStart), layout.source);
  // Ends the last run of a file that ends without a marker.
  all.fill(0xff, layout.source + bytes.length - dataStart, layout.source + bytes.length - dataStart + 32);
  all.fill(0, layout.scratch, layout.scratch + 128);
  const addresses = new Map<Uint8Array, number>();
  const place = (table: Uint8Array): number => {
    const known = addresses.get(table);
    if (known !== undefined) return known;
    const address = layout.tables + addresses.size * HUFFMAN_TABLE_BYTES;
    all.set(table, address);
    addresses.set(table, address);
    return address;
  };
  let block = layout.blocks / 4;
  for (const [index, component] of components.entries()) {
    const order = layout.orders + index * 256;
    for (let at = 0; at < 64; at++) words[order / 4 + at] = component.quantizer[at]! | (ZIGZAG[at]! << 17);
    const fixed = [place(component.dc), place(component.ac), order, layout.predictions + index * 4];
    for (const destination of destinationsOf(component, planes[index]!)) {
      words.set([...fixed, ...destination], block);
      block += 8;
    }
  }
}

/** Where the samples of each of a component's blocks in an MCU go: first address, steps sideways and down, stride. */
function destinationsOf({ across, down }: JpegComponent, { address, stride }: Plane): number[][] {
  return Array.from({ length: across * down }, (_, block) => [
    address + Math.floor(block / across) * 8 * stride + (block % across) * 8,
    8 * across,
    8 * down * stride,
    stride,
  ]);
}

/** Whether all MCUs up to the region's last row could be decoded into samples. */
function decodeScan(
  { memory, unstuff, startImage, startBits, consumedTo, decodeMcus }: Kernels,
  { components, restartInterval }: JpegFrame,
  { numColumns, left, right, top, bottom }: Region,
  layout: Layout,
): boolean {
  const all = new Uint8Array(memory.buffer);
  const ends = new Int32Array(memory.buffer, layout.ends, 1);
  const numBlocks = numBlocksOf(components);
  let from = layout.source;
  let remaining = bottom * numColumns;
  startImage();
  for (let run = 0; ; run++) {
    const marker = unstuff(from, layout.packed, layout.ends);
    const numMcus = restartInterval === 0 ? remaining : Math.min(restartInterval, remaining);
    all.fill(0, layout.predictions, layout.predictions + 12);
    startBits(layout.packed);
    if (decodeMcus(numMcus, layout.blocks, numBlocks, numColumns, left, right, top, layout.scratch) !== 0) return false;
    if (consumedTo() > ends[0]!) return false;
    remaining -= numMcus;
    if (remaining === 0) return true;
    if (all[marker + 1] !== 0xd0 + (run & 7)) return false;
    from = marker + 2;
  }
}

function copyGrey(memory: WasmMemory, plane: Plane, { box, left, top }: Region, layout: Layout): void {
  const [x0, y0, x1, y1] = box;
  const all = new Uint8Array(memory.buffer);
  for (let y = y0; y < y1; y++) {
    const from = plane.address + (y - 8 * top) * plane.stride + x0 - 8 * left;
    all.copyWithin(layout.pixels + (y - y0) * (x1 - x0), from, from + x1 - x0);
  }
}

function convertColors(
  { upsampleRow, convertRow }: Kernels,
  { components }: JpegFrame,
  planes: readonly Plane[],
  { box, left, top, chromaLeft, chromaRight, chromaHeight }: Region,
  layout: Layout,
): void {
  const { across, down } = components[0]!;
  const [luma, blue, red] = planes as readonly [Plane, Plane, Plane];
  const [x0, y0, x1, y1] = box;
  const [roundEven, roundOdd] = down === 2 ? [8, 7] : [4, 8];
  const count = chromaRight - chromaLeft;
  for (let y = y0; y < y1; y++) {
    const near = down === 2 ? y >> 1 : y;
    // The other row of chroma that this one lies between; beyond the edge, the last row once more.
    const far = down === 2 ? Math.min(chromaHeight - 1, Math.max(0, near + (y % 2 === 0 ? -1 : 1))) : y;
    const nearAt = (near - 8 * top) * blue.stride + chromaLeft - 8 * left;
    const farAt = (far - 8 * top) * blue.stride + chromaLeft - 8 * left;
    let [cb, cr] = [blue.address + nearAt, red.address + nearAt];
    if (across === 2) {
      upsampleRow(cb, blue.address + farAt, count, roundEven, roundOdd, layout.sums, layout.cb);
      upsampleRow(cr, red.address + farAt, count, roundEven, roundOdd, layout.sums, layout.cr);
      cb = layout.cb + x0 - 2 * chromaLeft;
      cr = layout.cr + x0 - 2 * chromaLeft;
    }
    const lumaAt = luma.address + (y - 8 * down * top) * luma.stride + x0 - 8 * across * left;
    // What passes the row's end is covered by the next one.
    convertRow(lumaAt, cb, cr, layout.pixels + (y - y0) * (x1 - x0) * 3, x1 - x0);
  }
}
