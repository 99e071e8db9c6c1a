import { huffmanTable } from './jpeg-huffman.js';
import { jpegSegmentAt, START_OF_SCAN } from './jpeg-segments.js';

/** A component of a baseline JPEG with what decodes it. */
export interface JpegComponent {
  /** Blocks in an MCU, sideways and down. */
  readonly across: number;
  readonly down: number;
  /** 64 divisors in zigzag order. */
  readonly quantizer: Uint8Array;
  /** Made by `huffmanTable`. */
  readonly dc: Uint8Array;
  readonly ac: Uint8Array;
}

/** A JPEG that `decodeJpeg` decodes. */
export interface JpegFrame {
  readonly width: number;
  readonly height: number;
  /** Grey, or Y, Cb and Cr. */
  readonly components: readonly JpegComponent[];
  /** MCUs between restart markers; 0 where there are none. */
  readonly restartInterval: number;
  /** Where the entropy-coded data starts. */
  readonly dataStart: number;
}

const BASELINE = 0xc0;
const EXTENDED = 0xc1;
const QUANTIZATION_TABLES = 0xdb;
const HUFFMAN_TABLES = 0xc4;
const RESTART_INTERVAL = 0xdd;
const APP0 = 0xe0;
const APP14 = 0xee;

interface Tables {
  /** By number. */
  readonly quantizers: Map<number, Uint8Array>;
  /** By class (0 DC, 1 AC) times 16 and number. */
  readonly codes: Map<number, Uint8Array>;
  restartInterval: number;
  isJfif: boolean;
  /** Colour transform of an Adobe marker. */
  adobeTransform?: number;
}

interface FrameComponent {
  readonly id: number;
  readonly across: number;
  readonly down: number;
  readonly quantizer: number;
}

interface FrameHeader {
  readonly width: number;
  readonly height: number;
  readonly components: readonly FrameComponent[];
}

/**
 * The frame of a sequential 8-bit Huffman JPEG with one scan, grey or YCbCr in 4:4:4, 4:2:2 or 4:2:0, as nearly all
 * are; undefined for any other and for damaged headers, which libjpeg judges. ITU T.81, annex B.
 */
export function readJpegFrame(bytes: Uint8Array): JpegFrame | undefined {
  const tables: Tables = { quantizers: new Map(), codes: new Map(), restartInterval: 0, isJfif: false };
  let header: FrameHeader | undefined;
  for (let segment = jpegSegmentAt(bytes, 2); segment !== undefined; segment = jpegSegmentAt(bytes, segment.end)) {
    const { marker, start, end } = segment;
    const body = bytes.subarray(start, end);
    if (marker === START_OF_SCAN) return header && frameOf(header, tables, body, end);
    if (marker === BASELINE || marker === EXTENDED) {
      if (header !== undefined) return undefined;
      header = readFrameHeader(body);
      if (header === undefined) return undefined;
    } else if (!readTable(tables, marker, body)) {
      return undefined;
    }
  }
  return undefined;
}

function readFrameHeader(body: Uint8Array): FrameHeader | undefined {
  const numComponents = body[5];
  if (body[0] !== 8 || (numComponents !== 1 && numComponents !== 3) || body.length !== 6 + 3 * numComponents) {
    return undefined;
  }
  return {
    height: (body[1]! << 8) | body[2]!,
    width: (body[3]! << 8) | body[4]!,
    components: Array.from({ length: numComponents }, (_, index) => {
      const at = 6 + 3 * index;
      return { id: body[at]!, across: body[at + 1]! >> 4, down: body[at + 1]! & 15, quantizer: body[at + 2]! };
    }),
  };
}

/** Takes in a segment before the scan; false where this decoder cannot go on. */
function readTable(tables: Tables, marker: number, body: Uint8Array): boolean {
  if (marker === QUANTIZATION_TABLES) return readQuantizers(tables, body);
  if (marker === HUFFMAN_TABLES) return readCodes(tables, body);
  if (marker === RESTART_INTERVAL) tables.restartInterval = (body[0]! << 8) | body[1]!;
  else if (marker === APP0 && startsWith(body, 'JFIF\0')) tables.isJfif = true;
  else if (marker === APP14 && startsWith(body, 'Adobe')) tables.adobeTransform = body[11] ?? 0;
  // Progressive and other frames, arithmetic codes, hierarchical files, a height that comes later.
  else if ((marker >= 0xc2 && marker <= 0xcf) || (marker >= 0xd8 && marker <= 0xdf)) return false;
  return marker !== RESTART_INTERVAL || body.length === 2;
}

function readQuantizers({ quantizers }: Tables, body: Uint8Array): boolean {
  let at = 0;
  for (; at < body.length; at += 65) {
    // The high bits tell the precision: 0 for bytes.
    if (body[at]! > 3 || at + 65 > body.length) return false;
    quantizers.set(body[at]!, body.subarray(at + 1, at + 65));
  }
  return true;
}

function readCodes({ codes }: Tables, body: Uint8Array): boolean {
  for (let at = 0; at < body.length;) {
    const name = body[at]!;
    let end = at + 17;
    if (end > body.length || (name & 0xef) > 3) return false;
    for (let length = 1; length <= 16; length++) end += body[at + length]!;
    if (end > body.length || end - at > 17 + 256) return false;
    const definition = body.subarray(at + 1, end);
    const maxSymbol = name < 16 ? 11 : 255;
    if (definition.subarray(16).some((symbol) => symbol > maxSymbol)) return false;
    const table = huffmanTable(definition);
    if (table === undefined) return false;
    codes.set(name, table);
    at = end;
  }
  return true;
}

function frameOf(header: FrameHeader, tables: Tables, scan: Uint8Array, dataStart: number): JpegFrame | undefined {
  const { width, height } = header;
  const numComponents = header.components.length;
  const isWhole = scan.length === 4 + 2 * numComponents && scan[0] === numComponents && endsAsBaseline(scan);
  if (!isWhole || width === 0 || height === 0 || !isYcc(header, tables) || !isSampledAsUsual(header)) return undefined;
  const components: JpegComponent[] = [];
  for (const [index, { id, across, down, quantizer: quantizerName }] of header.components.entries()) {
    const codes = scan[2 + 2 * index]!;
    const quantizer = tables.quantizers.get(quantizerName);
    const dc = tables.codes.get(codes >> 4);
    const ac = tables.codes.get(16 + (codes & 15));
    if (scan[1 + 2 * index] !== id || quantizer === undefined || dc === undefined || ac === undefined) return undefined;
    // Blocks of a single component are not interleaved, whatever its factors.
    const isSingle = numComponents === 1;
    components.push({ across: isSingle ? 1 : across, down: isSingle ? 1 : down, quantizer, dc, ac });
  }
  return { width, height, components, restartInterval: tables.restartInterval, dataStart };
}

/** Whether the scan has all coefficients with all their bits. */
function endsAsBaseline(scan: Uint8Array): boolean {
  const [first, last, bits] = scan.subarray(scan.length - 3);
  return first === 0 && last === 63 && bits === 0;
}

/** Whether three components are luma and chroma, by libjpeg's rules; what is unusual counts as not. */
function isYcc({ components }: FrameHeader, { isJfif, adobeTransform }: Tables): boolean {
  if (components.length === 1) return true;
  if (adobeTransform !== undefined) return adobeTransform === 1;
  return isJfif || components.every(({ id }, index) => id === index + 1);
}

function isSampledAsUsual({ width, components }: FrameHeader): boolean {
  const [luma, ...chroma] = components as readonly [FrameComponent, ...FrameComponent[]];
  if (chroma.length === 0) return luma.across >= 1 && luma.across <= 4 && luma.down >= 1 && luma.down <= 4;
  if (chroma.some(({ across, down }) => across !== 1 || down !== 1)) return false;
  if (luma.across === 1) return luma.down === 1;
  // libjpeg does not smooth chroma of less than three columns.
  return luma.across === 2 && (luma.down === 1 || luma.down === 2) && width > 4;
}

function startsWith(body: Uint8Array, text: string): boolean {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1', 0, text.length) === text;
}
