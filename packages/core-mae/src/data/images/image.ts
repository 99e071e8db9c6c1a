/*
 * data/images/: pictures as pixels: opening and decoding any of them within limits (this file), channels, crops,
 * normalisation, encoding, colours of classes. `resampling/` is Pillow's, bit by bit.
 * Not here: what is random, and what follows a picture's geometry: `data/transforms`, `data/targets`.
 * Called by: the pipeline of transforms, the checks and conversions of data sets, and picture sheets.
 */

import { readFileSync } from 'node:fs';
import type { ImageSource } from '../../contracts/dataset.js';
import type { Box, Size } from '../../contracts/transform.js';
import { MaeError, messageOf } from '../../base/errors.js';
import { withChannels } from './channels.js';
import { crop } from './crop.js';
import { type DecodeJpegFast, loadFastJpeg } from './fast-jpeg.js';
import { isJpeg, readJpegHeader } from './jpeg-header.js';
import { decodeByLibvips, decodeJpegByLibvips, readHeaderByLibvips } from './libvips.js';
import { isFolder } from '../../base/listing.js';
import { type Color, type Image, ownPixels } from './picture.js';

export { decodeManyAtOnce } from './libvips.js';

/** Pillow's `MAX_IMAGE_PIXELS`: a picture above it earns a warning, one above twice that is refused. */
export const DEFAULT_MAX_PIXELS = 89_478_485;

/** How pictures become pixels; plain data. */
export interface DecodeOptions {
  /** 1 (grey), 3 (RGB) or 4 (RGB and alpha); data without a file, such as IDX, may have any number. Default 3. */
  readonly channels?: number;
  /** What transparent pictures are laid on. Default white. Pillow's `convert('RGB')` shows what lies under alpha. */
  readonly background?: Color;
  /** Whether the EXIF orientation is applied. Default true; false for annotations made without it. */
  readonly orient?: boolean;
  /**
   * The transform that JPEGs are decoded by. `fast` is faster, its levels differ by a few, and it needs the package
   * `@julusian/jpeg-turbo`. Default `accurate`, Pillow's.
   */
  readonly jpegDct?: 'accurate' | 'fast';
  /** Number of pixels above which a picture earns a warning; above twice that it is refused. Default Pillow's. */
  readonly maxPixels?: number;
}

/** A picture whose size is known and whose pixels are decoded on demand. */
export interface OpenedImage extends Size {
  /** Something odd that does not stop the picture from being used. */
  readonly warning?: string;
  /**
   * The pixels, or those of a box of whole numbers alone: what lies below the box is then not decoded.
   *
   * @throws MaeError `IMAGE_INVALID`
   */
  read(box?: Box): Promise<Image>;
  /**
   * What `use` makes of the pixels of a box, at once: afterwards, the next picture may take their memory. The image may
   * hold more than the box, which lies at `within`.
   *
   * @throws MaeError `IMAGE_INVALID`
   */
  withPixels<Result extends object>(box: Box, use: (image: Image, within: Box) => Result): Promise<Result>;
}

interface Header extends Size {
  /** EXIF orientation, 1–8. */
  readonly orientation: number;
  readonly isJpeg: boolean;
  /** Of a JPEG whose markers are in order. */
  readonly components?: number;
}

/**
 * The decoded picture, `[H, W, C]`, 0–255: its type found by content, 16-bit, palette, CMYK and animated pictures
 * (their first frame) included. Colour profiles are not applied, as torchvision and Pillow do not.
 *
 * @throws MaeError `IMAGE_INVALID` or `IMAGE_TOO_LARGE`, naming the file
 */
export async function decodeImage(source: ImageSource, options: DecodeOptions = {}): Promise<Image> {
  const opened = await openImage(source, options);
  return opened.read();
}

/**
 * A picture's size and a function that decodes it; its pixel limit is checked here, from the header.
 *
 * @throws MaeError `IMAGE_INVALID` or `IMAGE_TOO_LARGE`, naming the file
 */
export async function openImage(source: ImageSource, options: DecodeOptions = {}): Promise<OpenedImage> {
  const { channels = 3, background = [255, 255, 255] } = options;
  if (source.kind === 'pixels') return openPixels(source, channels, background);
  const { path } = source;
  const bytes = readPicture(path);
  const header = await readHeader(bytes, path);
  const { width, height } = orientedSize(header, options.orient ?? true);
  const warning = checkPixels(header, path, options.maxPixels ?? DEFAULT_MAX_PIXELS);
  const decodeFast = options.jpegDct === 'fast' && header.components === 3 ? await loadFastJpeg() : undefined;
  const withPixels: OpenedImage['withPixels'] = (box, use) =>
    readPixels({ bytes, header, path, applyOrientation: options.orient ?? true, decodeFast }, box, (image, within) =>
      use(
        namingFile(path, () => withChannels(image, channels, background)),
        within,
      ),
    );
  return {
    width,
    height,
    ...(warning === undefined ? {} : { warning }),
    withPixels,
    read: (box = [0, 0, width, height]) => withPixels(box, (image, within) => ownPixels(crop(image, within))),
  };
}

function openPixels(source: Image, channels: number, background: Color): OpenedImage {
  const { data, width, height } = source;
  if (data.length !== width * height * source.channels) {
    throw new MaeError('IMAGE_INVALID', {
      what: `${data.length} values are not ${height} × ${width} × ${source.channels} pixels`,
    });
  }
  const image = { data, width, height, channels: source.channels };
  const whole: Box = [0, 0, width, height];
  const read = (box: Box): Image => withChannels(crop(image, box), channels, background);
  return {
    width,
    height,
    withPixels: (box, use) => Promise.resolve(use(withChannels(image, channels, background), box)),
    read: (box = whole) => Promise.resolve(read(box)),
  };
}

function readPicture(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    // Synchronous: one call instead of four round trips through the thread pool that also decodes.
    bytes = readFileSync(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (bytes.length === 0) throw new MaeError('IMAGE_INVALID', { what: 'the file is empty', where: path });
  return bytes;
}

function unreadable(path: string, cause: unknown): MaeError {
  const code = (cause as NodeJS.ErrnoException).code;
  const what = isFolder(path)
    ? 'this is a folder, not a picture'
    : code === 'ENOENT'
      ? 'there is no such picture'
      : `the picture cannot be read (${messageOf(cause)})`;
  return new MaeError('IMAGE_INVALID', { what, where: path, cause });
}

async function readHeader(bytes: Uint8Array, path: string): Promise<Header> {
  // JPEG, by far the most common, is read here: libvips would open the file once more, a fifth of a small one's time.
  const jpeg = isJpeg(bytes) ? readJpegHeader(bytes) : undefined;
  // Decoders stop at the last row of a box, so they would not see that the rest is missing.
  if (jpeg?.complete === false || endsEarly(bytes)) throw invalid(path, 'the file ends before its picture does');
  if (jpeg !== undefined) return { ...jpeg, isJpeg: true };
  try {
    return { ...(await readHeaderByLibvips(bytes)), isJpeg: isJpeg(bytes) };
  } catch (cause) {
    throw invalid(path, reasonOf(cause), cause);
  }
}

/** Whether a PNG has no end chunk, or a WebP fewer bytes than its header says. */
function endsEarly(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length > 8 && buffer.readUInt32BE(0) === 0x89504e47) return buffer.lastIndexOf('IEND') < 0;
  const isWebp = buffer.length > 12 && buffer.toString('latin1', 0, 4) === 'RIFF';
  return isWebp && buffer.toString('latin1', 8, 12) === 'WEBP' && buffer.readUInt32LE(4) + 8 > buffer.length;
}

/** Orientations 5–8 turn the picture by a quarter. */
function orientedSize({ width, height, orientation }: Header, orient: boolean): Size {
  return orient && orientation >= 5 ? { width: height, height: width } : { width, height };
}

function checkPixels({ width, height }: Size, path: string, maxPixels: number): string | undefined {
  const numPixels = width * height;
  if (numPixels > 2 * maxPixels) {
    throw new MaeError('IMAGE_TOO_LARGE', {
      what: `the picture has ${width} × ${height} = ${numPixels} pixels, more than twice \`maxPixels\` (=${maxPixels})`,
      where: path,
      fix: 'make it smaller, or raise `data.maxPixels` if you trust it',
    });
  }
  return numPixels > maxPixels
    ? `${path}: the picture has ${width} × ${height} = ${numPixels} pixels, more than \`maxPixels\` (=${maxPixels})`
    : undefined;
}

interface EncodedPicture {
  readonly bytes: Uint8Array;
  readonly header: Header;
  readonly path: string;
  readonly applyOrientation: boolean;
  readonly decodeFast: DecodeJpegFast | undefined;
}

async function readPixels<Result extends object>(
  { bytes, header, path, applyOrientation, decodeFast }: EncodedPicture,
  box: Box,
  use: (image: Image, within: Box) => Result,
): Promise<Result> {
  const orient = applyOrientation && header.orientation !== 1;
  const fast = orient ? undefined : decodeFast?.(bytes, header);
  if (fast !== undefined) return use(fast, box);
  const isWhole = box[0] === 0 && box[1] === 0 && isSizeOf(box, orientedSize(header, orient));
  const options = { orient, box: isWhole ? undefined : box };
  let image: Image;
  try {
    image = await (header.isJpeg ? decodeJpegByLibvips(bytes, options) : decodeByLibvips(bytes, options));
  } catch (cause) {
    throw invalid(path, reasonOf(cause), cause);
  }
  return use(image, [0, 0, image.width, image.height]);
}

function isSizeOf(box: Box, { width, height }: Size): boolean {
  return box[2] === width && box[3] === height;
}

function invalid(path: string, what: string, cause?: unknown): MaeError {
  return new MaeError('IMAGE_INVALID', { what: `this is not a readable picture: ${what}`, where: path, cause });
}

/** The first line of the decoder's message, without its own prefix. */
function reasonOf(error: unknown): string {
  const [line = ''] = messageOf(error).split('\n');
  return line.replace(/^Input buffer\s*(has|contains)?:?\s*/u, '').trim();
}

function namingFile<Result>(path: string, convert: () => Result): Result {
  try {
    return convert();
  } catch (error) {
    if (error instanceof MaeError) throw new MaeError(error.code, { what: error.message, where: path, cause: error });
    throw error;
  }
}
