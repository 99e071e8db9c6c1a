import { largest, smallest } from '../../base/long-lists.js';

/** What the first page of a TIFF file says of its samples. TIFF 6.0, and BigTIFF. */
export interface TiffHeader {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  /** 1 unsigned, 2 signed, 3 floating-point, 4 undefined, 5 and 6 complex. */
  readonly sampleFormat: number;
  /** Where the numbers of the sample format lie in the file. */
  readonly sampleFormatAt: readonly number[];
  readonly littleEndian: boolean;
  /** 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 4 mask, 5 CMYK, 6 YCbCr, 8 CIELab. */
  readonly photometric: number;
  readonly samplesPerPixel: number;
  /** Of the samples beyond the colours: 0 unspecified, 1 alpha that the colours are multiplied by, 2 alpha. */
  readonly extraSamples: readonly number[];
  /** The lowest and the highest value, where the file says both, or the highest alone. */
  readonly lowest: number | undefined;
  readonly highest: number | undefined;
  /** Whether the page is a small version of another one, as in cameras' raw files. */
  readonly isReduced: boolean;
  /** Pages that are pictures of their own, counted up to {@link MOST_PAGES}. */
  readonly pages: number;
}

const MOST_PAGES = 1000;
/** Values of an entry that are read: as many as a pixel has samples. */
const MOST_VALUES = 64;

/** Bytes of a value, by the entry's type. */
const SIZES: Readonly<Record<number, number>> = {
  ...{ 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8 },
};

interface Entry {
  readonly type: number;
  readonly count: number;
  /** Where its values lie. */
  readonly at: number;
}

/** Undefined where the file is cut short or its directory makes no sense; never throws. */
export function readTiffHeader(bytes: Uint8Array): TiffHeader | undefined {
  const file = openTiff(bytes);
  if (file === undefined) return undefined;
  const page = readDirectory(file, file.first);
  if (page === undefined) return undefined;
  const { entries } = page;
  const values = (tag: number): readonly number[] => valuesOf(file, entries.get(tag));
  const number = (tag: number, fallback: number): number => values(tag)[0] ?? fallback;
  const width = number(256, 0);
  const height = number(257, 0);
  if (width < 1 || height < 1) return undefined;
  const highest = [...values(341), ...values(281)];
  const lowest = [...values(340), ...values(280)];
  const formats = entries.get(339);
  return {
    width,
    height,
    bitsPerSample: number(258, 1),
    sampleFormat: number(339, 1),
    sampleFormatAt:
      formats?.type !== 3
        ? []
        : Array.from({ length: Math.min(formats.count, MOST_VALUES) }, (_, index) => formats.at + 2 * index),
    littleEndian: file.littleEndian,
    photometric: number(262, 1),
    samplesPerPixel: number(277, 1),
    extraSamples: values(338),
    lowest: lowest.length === 0 ? undefined : smallest(lowest),
    highest: highest.length === 0 ? undefined : largest(highest),
    isReduced: (number(254, 0) & 1) === 1,
    pages: countPages(file),
  };
}

interface TiffFile {
  readonly view: DataView;
  readonly littleEndian: boolean;
  readonly isBig: boolean;
  /** Where the first directory lies. */
  readonly first: number;
}

function openTiff(bytes: Uint8Array): TiffFile | undefined {
  if (bytes.length < 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = view.getUint16(0) === 0x4949;
  const isBig = view.getUint16(2, littleEndian) === 43;
  const first = isBig ? Number(view.getBigUint64(8, littleEndian)) : view.getUint32(4, littleEndian);
  return { view, littleEndian, isBig, first };
}

interface Directory {
  readonly entries: ReadonlyMap<number, Entry>;
  /** Where the next one lies; 0 after the last. */
  readonly next: number;
}

function readDirectory({ view, littleEndian, isBig }: TiffFile, at: number): Directory | undefined {
  const { byteLength } = view;
  const [countBytes, entryBytes, inlineBytes] = isBig ? [8, 20, 8] : [2, 12, 4];
  if (at < 8 || at + countBytes > byteLength) return undefined;
  const count = isBig ? Number(view.getBigUint64(at, littleEndian)) : view.getUint16(at, littleEndian);
  const end = at + countBytes + count * entryBytes;
  if (end + inlineBytes > byteLength) return undefined;
  const entries = new Map<number, Entry>();
  for (let entry = at + countBytes; entry < end; entry += entryBytes) {
    const type = view.getUint16(entry + 2, littleEndian);
    const number = isBig ? Number(view.getBigUint64(entry + 4, littleEndian)) : view.getUint32(entry + 4, littleEndian);
    const inline = entry + entryBytes - inlineBytes;
    const isInline = number * (SIZES[type] ?? 1) <= inlineBytes;
    const pointer = isBig ? Number(view.getBigUint64(inline, littleEndian)) : view.getUint32(inline, littleEndian);
    entries.set(view.getUint16(entry, littleEndian), { type, count: number, at: isInline ? inline : pointer });
  }
  const next = isBig ? Number(view.getBigUint64(end, littleEndian)) : view.getUint32(end, littleEndian);
  return { entries, next };
}

function valuesOf({ view, littleEndian }: TiffFile, entry: Entry | undefined): number[] {
  if (entry === undefined) return [];
  const { type, at } = entry;
  const count = Math.min(entry.count, MOST_VALUES);
  const size = SIZES[type];
  if (size === undefined || at + count * size > view.byteLength) return [];
  return Array.from({ length: count }, (_, index) => valueAt(view, type, at + index * size, littleEndian));
}

function valueAt(view: DataView, type: number, at: number, littleEndian: boolean): number {
  switch (type) {
    case 3:
      return view.getUint16(at, littleEndian);
    case 4:
    case 13:
      return view.getUint32(at, littleEndian);
    case 6:
      return view.getInt8(at);
    case 8:
      return view.getInt16(at, littleEndian);
    case 9:
      return view.getInt32(at, littleEndian);
    case 11:
      return view.getFloat32(at, littleEndian);
    case 12:
      return view.getFloat64(at, littleEndian);
    case 16:
    case 18:
      return Number(view.getBigUint64(at, littleEndian));
    case 17:
      return Number(view.getBigInt64(at, littleEndian));
    default:
      return view.getUint8(at);
  }
}

/** Pages without those that are smaller versions, or masks, of others. */
function countPages(file: TiffFile): number {
  const seen = new Set<number>();
  let pages = 0;
  for (let at = file.first; at !== 0 && !seen.has(at) && seen.size < MOST_PAGES;) {
    seen.add(at);
    const page = readDirectory(file, at);
    if (page === undefined) break;
    const kind = valuesOf(file, page.entries.get(254))[0] ?? 0;
    if ((kind & 0b101) === 0) pages++;
    at = page.next;
  }
  return Math.max(1, pages);
}
