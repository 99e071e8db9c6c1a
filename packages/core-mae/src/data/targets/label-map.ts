import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { PNG } from 'pngjs';
import { MaeError, messageOf } from '../../base/errors.js';

/** A class index by pixel, row-major `[H, W]`. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** 16-bit only where a value needs it. */
  readonly labels: Uint8Array | Uint16Array;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const GREY = 0;
const PALETTE = 3;
/** No compressed byte unfolds to more (RFC 1951). */
const MOST_UNFOLDED = 1032;
/** Twice Pillow's warning limit, as for pictures. */
const MAX_PIXELS = 2 * 89_478_485;

/**
 * The indices in a PNG file: a palette's own indices (never its colours), or grey values as they are stored, of 1 to
 * 16 bits.
 *
 * @throws MaeError `IMAGE_INVALID` or `IMAGE_TOO_LARGE` naming the file; also where it holds colours, not indices.
 */
export function readLabelMap(path: string): LabelMap {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw invalid(path, `it cannot be read (${messageOf(cause)})`, 'check the path', cause);
  }
  if (!bytes.subarray(0, 8).equals(SIGNATURE)) {
    throw invalid(path, 'it is no PNG file', 'index maps are PNG files; JPEG would change the indices');
  }
  const isPalette = bytes[25] === PALETTE;
  const width = bytes.length < 33 ? 0 : bytes.readUInt32BE(16);
  const height = bytes.length < 33 ? 0 : bytes.readUInt32BE(20);
  if (width * height > MAX_PIXELS) {
    throw new MaeError('IMAGE_TOO_LARGE', {
      what: `the index map has ${width} × ${height} pixels, more than the ${MAX_PIXELS} that are read`,
      where: path,
      fix: 'make it and its picture smaller',
    });
  }
  if ((width * height * (bytes[24] ?? 1)) / 8 > bytes.length * MOST_UNFOLDED) {
    throw invalid(path, `${bytes.length} bytes cannot hold its ${width} × ${height} pixels`, 'write it again');
  }
  let picture: { readonly data: Uint8Array | Uint16Array; readonly width: number; readonly height: number };
  try {
    // skipRescale keeps values of 1, 2, 4 and 16 bits as they are stored.
    picture = PNG.sync.read(withoutPalette(bytes, isPalette), { skipRescale: true });
  } catch (cause) {
    throw invalid(path, `it cannot be decoded (${messageOf(cause)})`, 'write it again', cause);
  }
  return { width: picture.width, height: picture.height, labels: firstChannel(picture.data, path) };
}

/**
 * The file with its palette taken out and its indices declared to be grey values: decoders would give colours, from
 * which the index cannot be told where two entries are alike. Transparency is taken out too.
 */
function withoutPalette(bytes: Buffer, isPalette: boolean): Buffer {
  const pieces: Buffer[] = [SIGNATURE];
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 12 + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const chunk = bytes.subarray(at, end);
    if (type === 'IHDR' && isPalette) pieces.push(declaredGrey(chunk));
    else if (type !== 'tRNS' && !(type === 'PLTE' && isPalette)) pieces.push(chunk);
    at = end;
  }
  return Buffer.concat(pieces);
}

function declaredGrey(header: Buffer): Buffer {
  const grey = Buffer.from(header);
  // Length, type, width, height and bit depth come before the colour type; a check sum ends the chunk.
  grey[17] = GREY;
  grey.writeUInt32BE(crc32(grey.subarray(4, 21)), 21);
  return grey;
}

/** @param data RGBA */
function firstChannel(data: Uint8Array | Uint16Array, path: string): Uint8Array | Uint16Array {
  const numPixels = data.length / 4;
  let highest = 0;
  for (let i = 0; i < numPixels; i++) {
    const value = data[4 * i]!;
    if (value !== data[4 * i + 1] || value !== data[4 * i + 2]) {
      throw invalid(
        path,
        `it holds colours (${value}, ${data[4 * i + 1]!}, ${data[4 * i + 2]!}), not class indices`,
        'write a grey or palette PNG whose values are the indices of the classes',
      );
    }
    if (value > highest) highest = value;
  }
  const labels = highest > 255 ? new Uint16Array(numPixels) : new Uint8Array(numPixels);
  for (let i = 0; i < numPixels; i++) labels[i] = data[4 * i]!;
  return labels;
}

function invalid(path: string, what: string, fix: string, cause?: unknown): MaeError {
  return new MaeError('IMAGE_INVALID', { what: `This is no usable index map: ${what}`, where: path, fix, cause });
}

/**
 * Indices with class 0 ("other") turned into the ignored value and the rest moved down by one, as mmsegmentation's
 * `reduce_zero_label`: 0 → 255, 255 stays.
 */
export function reduceZeroLabel(labels: Uint8Array | Uint16Array, ignoreIndex = 255): Uint8Array | Uint16Array {
  return labels.map((label) => (label === 0 || label === ignoreIndex ? ignoreIndex : label - 1));
}
