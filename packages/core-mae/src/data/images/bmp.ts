import type { Size } from '../../contracts/transform.js';
import type { Color, Image } from './picture.js';

/*
 * Windows and OS/2 bitmaps, which libvips does not read. Of 1, 2, 4, 8, 16, 24 and 32 bits, with palettes, bit fields and
 * run lengths (RLE4, RLE8), from the bottom up or from the top down. Microsoft's [MS-WMF] 2.2.2.9 and the pages on bitmap
 * storage. Every length is checked against the file before memory is taken.
 */

export interface BmpHeader extends Size {
  readonly bitsPerPixel: number;
  readonly topDown: boolean;
  readonly encoding: 'plain' | 'run lengths';
  /** Where a pixel of 16 or 32 bits has its red, green, blue and alpha; alpha 0 for none. */
  readonly masks: readonly [red: number, green: number, blue: number, alpha: number];
  /** Where the palette begins, how many colours it has, and bytes of each. */
  readonly palette: { readonly at: number; readonly count: number; readonly bytes: 3 | 4 };
  /** Where the pixels begin. */
  readonly pixelsAt: number;
}

const FILE_HEADER = 14;
const CUT_SHORT = 'the file ends before its picture does';

/** @throws Error saying what is wrong with the header, or which kind of bitmap is not read */
export function readBmpHeader(bytes: Uint8Array): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FILE_HEADER + 12) throw new Error(CUT_SHORT);
  const headerSize = view.getUint32(FILE_HEADER, true);
  if (FILE_HEADER + headerSize > bytes.length) throw new Error(CUT_SHORT);
  const isCore = headerSize === 12;
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const bitsPerPixel = view.getUint16(isCore ? 24 : 28, true);
  const compression = headerSize >= 40 ? view.getUint32(30, true) : 0;
  const height = Math.abs(signedHeight);
  if (width < 1 || height < 1) throw new Error(`its size is ${width} × ${height}`);
  if (![1, 2, 4, 8, 16, 24, 32].includes(bitsPerPixel)) throw new Error(`a BMP of ${bitsPerPixel} bits a pixel`);
  const encoding = encodingOf(compression, bitsPerPixel, headerSize, signedHeight < 0);
  const hasMasks = compression === 3 || compression === 6;
  // Later headers hold the masks; after the first one they follow, three or four of them.
  const masksBytes = hasMasks && headerSize === 40 ? (compression === 6 ? 16 : 12) : 0;
  const paletteAt = FILE_HEADER + headerSize + masksBytes;
  if (paletteAt > bytes.length) throw new Error(CUT_SHORT);
  const entryBytes = isCore ? 3 : 4;
  const pixelsAt = view.getUint32(10, true);
  if (pixelsAt < paletteAt || pixelsAt > bytes.length) throw new Error(`its pixels would begin at byte ${pixelsAt}`);
  const most = bitsPerPixel <= 8 ? Math.min(2 ** bitsPerPixel, Math.floor((pixelsAt - paletteAt) / entryBytes)) : 0;
  const stated = headerSize >= 40 ? view.getUint32(46, true) : 0;
  return {
    width,
    height,
    bitsPerPixel,
    topDown: signedHeight < 0,
    encoding,
    masks: hasMasks ? readMasks(view, headerSize, compression) : defaultMasks(bitsPerPixel),
    palette: { at: paletteAt, count: stated === 0 ? most : Math.min(stated, most), bytes: entryBytes },
    pixelsAt,
  };
}

function encodingOf(
  compression: number,
  bitsPerPixel: number,
  headerSize: number,
  topDown: boolean,
): BmpHeader['encoding'] {
  if (compression === 0) return 'plain';
  // In a header of OS/2 the same numbers mean other things.
  const isWindows = headerSize !== 64;
  if (isWindows && (compression === 3 || compression === 6) && (bitsPerPixel === 16 || bitsPerPixel === 32)) {
    return 'plain';
  }
  const isRunLengths = (compression === 1 && bitsPerPixel === 8) || (compression === 2 && bitsPerPixel === 4);
  if (isRunLengths && !topDown) return 'run lengths';
  throw new Error(`a BMP of the compression ${compression} with ${bitsPerPixel} bits a pixel`);
}

function readMasks(view: DataView, headerSize: number, compression: number): BmpHeader['masks'] {
  const hasAlpha = headerSize >= 56 || compression === 6;
  const at = FILE_HEADER + 40;
  const mask = (index: number): number => view.getUint32(at + 4 * index, true);
  return [mask(0), mask(1), mask(2), hasAlpha ? mask(3) : 0];
}

/** Five bits of each colour, or eight; what is left over says nothing. */
function defaultMasks(bitsPerPixel: number): BmpHeader['masks'] {
  return bitsPerPixel === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
}

/** The pixels, of three channels, or of four where the file has alpha. @throws Error saying what is wrong with the file */
export function decodeBmp(bytes: Uint8Array, header: BmpHeader): Image {
  const { bitsPerPixel, encoding } = header;
  if (encoding === 'run lengths') return fromIndices(bytes, header, unpackRuns(bytes, header));
  const { width, height, pixelsAt } = header;
  const stride = Math.ceil((bitsPerPixel * width) / 32) * 4;
  // Some writers leave out the padding of the last row.
  const needed = stride * (height - 1) + Math.ceil((bitsPerPixel * width) / 8);
  if (pixelsAt + needed > bytes.length) throw new Error(CUT_SHORT);
  if (bitsPerPixel <= 8) return fromIndices(bytes, header, unpackIndices(bytes, header, stride));
  return bitsPerPixel === 24 ? decodeBgr(bytes, header, stride) : decodeMasked(bytes, header, stride);
}

/** Where a row of the picture, counted from its top, begins in the file. */
function rowAt({ topDown, height, pixelsAt }: BmpHeader, y: number, stride: number): number {
  return pixelsAt + (topDown ? y : height - 1 - y) * stride;
}

function unpackIndices(bytes: Uint8Array, header: BmpHeader, stride: number): Uint8Array {
  const { width, height, bitsPerPixel } = header;
  const indices = new Uint8Array(width * height);
  const perByte = 8 / bitsPerPixel;
  const mask = 2 ** bitsPerPixel - 1;
  for (let y = 0, to = 0; y < height; y++) {
    const row = rowAt(header, y, stride);
    for (let x = 0; x < width; x++, to++) {
      const byte = bytes[row + Math.floor(x / perByte)]!;
      indices[to] = (byte >> (8 - bitsPerPixel * ((x % perByte) + 1))) & mask;
    }
  }
  return indices;
}

/** Indices of runs; pixels that none covers have the first colour. */
function unpackRuns(bytes: Uint8Array, { width, height, bitsPerPixel, pixelsAt }: BmpHeader): Uint8Array {
  const indices = new Uint8Array(width * height);
  const isNibbles = bitsPerPixel === 4;
  let [x, y, at] = [0, 0, pixelsAt];
  const next = (): number => {
    if (at >= bytes.length) throw new Error(CUT_SHORT);
    return bytes[at++]!;
  };
  const put = (index: number): void => {
    if (x >= width || y >= height) throw new Error('a run of its pixels leaves the picture');
    indices[(height - 1 - y) * width + x] = index;
    x++;
  };
  for (;;) {
    const [count, value] = [next(), next()];
    if (count > 0) {
      for (let place = 0; place < count; place++) {
        put(!isNibbles ? value : place % 2 === 0 ? value >> 4 : value & 15);
      }
    } else if (value === 0) {
      [x, y] = [0, y + 1];
    } else if (value === 1) {
      return indices;
    } else if (value === 2) {
      x += next();
      y += next();
    } else {
      let byte = 0;
      for (let place = 0; place < value; place++) {
        if (!isNibbles || place % 2 === 0) byte = next();
        put(!isNibbles ? byte : place % 2 === 0 ? byte >> 4 : byte & 15);
      }
      // Such runs are padded to whole words.
      const used = isNibbles ? Math.ceil(value / 2) : value;
      if (used % 2 === 1) next();
    }
  }
}

function fromIndices(bytes: Uint8Array, { width, height, palette }: BmpHeader, indices: Uint8Array): Image {
  const colors = Array.from({ length: palette.count }, (_, index): Color => {
    const at = palette.at + index * palette.bytes;
    return [bytes[at + 2]!, bytes[at + 1]!, bytes[at]!];
  });
  const data = new Uint8Array(3 * indices.length);
  for (let from = 0, to = 0; from < indices.length; from++, to += 3) {
    const color = colors[indices[from]!];
    if (color === undefined) {
      throw new Error(`a pixel has the colour ${indices[from]!} of a palette of ${palette.count}`);
    }
    data[to] = color[0];
    data[to + 1] = color[1];
    data[to + 2] = color[2];
  }
  return { data, width, height, channels: 3 };
}

function decodeBgr(bytes: Uint8Array, header: BmpHeader, stride: number): Image {
  const { width, height } = header;
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, to = 0; y < height; y++) {
    let from = rowAt(header, y, stride);
    for (let x = 0; x < width; x++, from += 3, to += 3) {
      data[to] = bytes[from + 2]!;
      data[to + 1] = bytes[from + 1]!;
      data[to + 2] = bytes[from]!;
    }
  }
  return { data, width, height, channels: 3 };
}

function decodeMasked(bytes: Uint8Array, header: BmpHeader, stride: number): Image {
  const { width, height, bitsPerPixel, masks } = header;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bitsPerPixel / 8;
  const fields = masks.map(fieldOf);
  const data = new Uint8Array(4 * width * height);
  let isSeen = false;
  for (let y = 0, to = 0; y < height; y++) {
    let from = rowAt(header, y, stride);
    for (let x = 0; x < width; x++, from += size, to += 4) {
      const pixel = size === 2 ? view.getUint16(from, true) : view.getUint32(from, true);
      for (let channel = 0; channel < 4; channel++) {
        const { shift, most } = fields[channel]!;
        const level = (pixel >>> shift) & most;
        data[to + channel] = most === 255 ? level : most === 0 ? 0 : Math.round((level * 255) / most);
      }
      isSeen ||= data[to + 3] !== 0;
    }
  }
  // Many writers that declare alpha leave it 0 in every pixel, and no viewer shows such a picture as empty.
  return isSeen ? { data, width, height, channels: 4 } : withoutFourth(data, width, height);
}

function withoutFourth(data: Uint8Array, width: number, height: number): Image {
  const colors = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; to < colors.length; from += 4, to += 3) {
    colors[to] = data[from]!;
    colors[to + 1] = data[from + 1]!;
    colors[to + 2] = data[from + 2]!;
  }
  return { data: colors, width, height, channels: 3 };
}

/** @throws Error where the bits of a colour are not side by side, or more than 16 */
function fieldOf(mask: number): { readonly shift: number; readonly most: number } {
  if (mask === 0) return { shift: 0, most: 0 };
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  if ((most & (most + 1)) !== 0 || most > 0xffff) throw new Error(`a BMP with the colour mask 0x${mask.toString(16)}`);
  return { shift, most };
}
