import type { Size } from '../../contracts/transform.js';
import { MaeError, messageOf } from '../../base/errors.js';
import { type BmpHeader, readBmpHeader } from './bmp.js';
import { readJpegHeader } from './jpeg-header.js';
import { readHeaderByLibvips } from './libvips.js';
import { type PictureFormat, requirePictureFormat } from './picture-format.js';
import { readPngHeader } from './png-header.js';
import { readTiffHeader, type TiffHeader } from './tiff-header.js';
import type { StoredValues, ValueRange } from './value-range.js';

/** What is known of a file's picture before its pixels are decoded. */
export interface PictureHeader extends Size {
  readonly format: PictureFormat;
  /** EXIF orientation, 1–8. */
  readonly orientation: number;
  /** Of a JPEG whose markers are in order. */
  readonly components?: number;
  /** Of values that are not 0–255. */
  readonly values?: StoredValues;
  /** What the samples of a pixel are, where the decoder cannot tell colours from other samples. */
  readonly samples?: PixelSamples;
  /** What the decoder calls the colours. */
  readonly space?: string;
  /** Pictures in the file. */
  readonly frames: number;
  readonly bmp?: BmpHeader;
  readonly tiff?: TiffHeader;
}

/** Which samples of a pixel are its colours, and which is its alpha. */
export interface PixelSamples {
  readonly total: number;
  /** The first samples. */
  readonly colors: number;
  /** Which sample is alpha; libvips has divided the colours by it where they were multiplied. */
  readonly alpha?: number;
}

/** @throws MaeError `IMAGE_INVALID`, naming the file, or `IMAGE_TOO_LARGE` before anything of its pixels is read */
export async function readPictureHeader(
  bytes: Uint8Array,
  path: string,
  requireSize: (size: Size) => void,
): Promise<PictureHeader> {
  const format = requirePictureFormat(bytes, path);
  // JPEG, by far the most common, is read here: libvips would open the file once more, a fifth of a small one's time.
  const jpeg = format === 'JPEG' ? readJpegHeader(bytes) : undefined;
  // Decoders stop at the last row of a box, so they would not see that the rest is missing.
  if (jpeg?.complete === false || endsEarly(bytes, format))
    throw unreadable(path, 'the file ends before its picture does');
  if (jpeg !== undefined) {
    requireSize(jpeg);
    return { ...jpeg, format, frames: 1 };
  }
  try {
    return format === 'BMP' ? bmpHeader(bytes, requireSize) : await headerByLibvips(bytes, format, requireSize);
  } catch (cause) {
    if (cause instanceof MaeError) throw cause;
    throw unreadable(path, reasonOf(cause), cause);
  }
}

function bmpHeader(bytes: Uint8Array, requireSize: (size: Size) => void): PictureHeader {
  const bmp = readBmpHeader(bytes);
  requireSize(bmp);
  return { width: bmp.width, height: bmp.height, format: 'BMP', orientation: 1, frames: 1, bmp };
}

async function headerByLibvips(
  bytes: Uint8Array,
  format: PictureFormat,
  requireSize: (size: Size) => void,
): Promise<PictureHeader> {
  const png = format === 'PNG' ? readPngHeader(bytes) : undefined;
  const tiff = format === 'TIFF' ? readTiffHeader(bytes) : undefined;
  const size = png ?? tiff;
  if (size !== undefined) requireSize(size);
  const values = png === undefined ? tiff && tiffValues(tiff) : pngValues(png);
  const { width, height, orientation, pages, space } = await readHeaderByLibvips(bytes);
  requireSize({ width, height });
  return {
    width,
    height,
    format,
    orientation,
    space,
    frames: png?.frames ?? tiff?.pages ?? pages,
    ...(values === undefined ? {} : { values }),
    ...(tiff === undefined ? {} : { tiff, ...samplesOf(tiff) }),
  };
}

function pngValues({ bitDepth, significantBits }: NonNullable<ReturnType<typeof readPngHeader>>) {
  if (bitDepth !== 16) return undefined;
  const values: StoredValues = { kind: 'unsigned', bits: 16, whiteIsZero: false };
  return significantBits === undefined || significantBits >= 16 ? values : { ...values, significantBits };
}

/** @throws Error for numbers that are not read */
function tiffValues(tiff: TiffHeader): StoredValues | undefined {
  const { bitsPerSample: bits, sampleFormat, photometric, lowest, highest, isReduced } = tiff;
  if (isReduced)
    throw new Error(
      "its first page is a small copy of another, as in cameras' raw files: develop it into JPEG or TIFF",
    );
  const kind = sampleFormat === 2 ? 'signed' : sampleFormat === 3 ? 'float' : 'unsigned';
  const isRead =
    kind === 'float' ? bits === 32 : [8, 16, 32].includes(bits) || (kind === 'unsigned' && [1, 2, 4].includes(bits));
  if (!isRead || sampleFormat > 4) {
    const name = sampleFormat > 4 ? 'complex numbers' : `${kind === 'float' ? 'floating-point' : kind} numbers`;
    throw new Error(
      `its samples are ${name} of ${bits} bits: write them with 8 or 16 bits, or as 32-bit floating-point numbers`,
    );
  }
  if ((kind === 'unsigned' && bits <= 8) || photometric > 2) return undefined;
  const described = describedRange(kind, bits, lowest, highest);
  return {
    kind,
    bits: bits as StoredValues['bits'],
    whiteIsZero: photometric === 0,
    ...(described === undefined ? {} : { described }),
  };
}

/** What the file says of its lowest and highest value, unless that says no more than the type does. */
function describedRange(
  kind: StoredValues['kind'],
  bits: number,
  lowest: number | undefined,
  highest: number | undefined,
): ValueRange | undefined {
  if (highest === undefined || !Number.isFinite(highest)) return undefined;
  const low = kind === 'unsigned' ? 0 : lowest;
  if (low === undefined || !Number.isFinite(low) || highest <= low) return undefined;
  return kind === 'unsigned' && highest >= 2 ** bits - 1 ? undefined : [low, highest];
}

/** TIFF's number of pictures in four inks. */
const CMYK = 5;

/** Of grey and RGB alone: of other colours the decoder knows the number itself. Samples of no stated kind are no alpha. */
function samplesOf({ photometric, samplesPerPixel, extraSamples }: TiffHeader): { samples?: PixelSamples } {
  const kind = extraSamples.findIndex((sample) => sample === 1 || sample === 2);
  if (photometric === CMYK && samplesPerPixel > 4) {
    // The decoder makes three colours of the four inks, and leaves what comes behind them as it is.
    return { samples: { total: samplesPerPixel - 1, colors: 3, ...(kind < 0 ? {} : { alpha: 3 + kind }) } };
  }
  if (photometric > 2 || samplesPerPixel === 1) return {};
  const firstExtra = samplesPerPixel - extraSamples.length;
  if (kind < 0 || firstExtra < 1) {
    // More bands than four are for a model that takes them all.
    const isMany = photometric !== 2 && samplesPerPixel > 4;
    const colors = isMany ? samplesPerPixel : samplesPerPixel >= 3 ? 3 : 1;
    return { samples: { total: samplesPerPixel, colors } };
  }
  return { samples: { total: samplesPerPixel, colors: firstExtra >= 3 ? 3 : 1, alpha: firstExtra + kind } };
}

/** Whether a PNG has no end chunk, or a WebP fewer bytes than its header says. */
function endsEarly(bytes: Uint8Array, format: PictureFormat): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === 'PNG') return buffer.lastIndexOf('IEND') < 0;
  return format === 'WebP' && buffer.readUInt32LE(4) + 8 > buffer.length;
}

/** The error of a file that is no picture, or a damaged one. */
export function unreadable(path: string, what: string, cause?: unknown): MaeError {
  return new MaeError('IMAGE_INVALID', { what: `this is not a readable picture: ${what}`, where: path, cause });
}

/** The first line of a decoder's message, without its own prefix. */
export function reasonOf(error: unknown): string {
  const [line = ''] = messageOf(error).split('\n');
  return line.replace(/^Input buffer\s*(has|contains)?:?\s*/u, '').trim();
}
