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
import { decodeBmp } from './bmp.js';
import { decodeByLibvips, decodeJpegByLibvips } from './libvips.js';
import { isFolder } from '../../base/listing.js';
import { type Color, type Image, ownPixels } from './picture.js';
import { type PictureHeader, readPictureHeader, reasonOf, unreadable } from './picture-header.js';
import { selectSamples, unusedSamplesNote } from './pixel-samples.js';
import { isWholeRange, openWidePicture, type PictureValues } from './wide-picture.js';

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
  /**
   * The values that become 0 and 255, of PNG and TIFF files of more than 8 bits, signed or floating-point. Default: what
   * the file says of itself, else all of 16 bits, and 0 to 1 for floating-point values that lie within.
   */
  readonly valueRange?: readonly [low: number, high: number] | null;
}

/** A picture whose size is known and whose pixels are decoded on demand. */
export interface OpenedImage extends Size {
  /** Something odd that does not stop the picture from being used. */
  readonly warning?: string;
  /** What is odd about all pictures of its kind, in words that name no file. */
  readonly notes?: readonly string[];
  /**
   * What its values are, where they are not 0–255: the whole picture is decoded for it.
   *
   * @throws MaeError `IMAGE_INVALID`
   */
  readonly values?: () => Promise<PictureValues>;
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

/**
 * The decoded picture, `[H, W, C]`, 0–255: its type found by content, 16-bit, floating-point, palette, CMYK and
 * animated pictures (their first frame) included. Colour profiles are not applied, as torchvision and Pillow do not.
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
  const { channels = 3, background = [255, 255, 255], orient = true, maxPixels = DEFAULT_MAX_PIXELS } = options;
  if (source.kind === 'pixels') return openPixels(source, channels, background, maxPixels);
  const { path } = source;
  const bytes = readPicture(path);
  const header = await readPictureHeader(bytes, path, (size) => checkPixels(size, path, maxPixels));
  const { width, height } = orientedSize(header, orient);
  const warning = checkPixels(header, path, maxPixels);
  const valueRange = options.valueRange ?? undefined;
  const wide = openWidePicture(bytes, header, {
    path,
    orient: orient && header.orientation !== 1,
    channels,
    valueRange,
  });
  const isWide = header.values !== undefined && !isWholeRange(header.values, valueRange);
  const decodeFast = options.jpegDct === 'fast' && header.components === 3 ? await loadFastJpeg() : undefined;
  const picture: EncodedPicture = {
    ...{ bytes, header, path, applyOrientation: orient, decodeFast, channels },
    whole: isWide && wide !== undefined ? () => wide.read() : wholeBmp(bytes, header, path),
  };
  const withPixels: OpenedImage['withPixels'] = (box, use) =>
    readPixels(picture, box, (image, within) =>
      use(
        namingFile(path, () => withChannels(image, channels, background)),
        within,
      ),
    );
  const notes = notesOf(header, channels);
  return {
    width,
    height,
    ...(warning === undefined ? {} : { warning }),
    ...(notes.length === 0 ? {} : { notes }),
    ...(wide === undefined ? {} : { values: () => wide.values() }),
    withPixels,
    read: (box = [0, 0, width, height]) => withPixels(box, (image, within) => ownPixels(crop(image, within))),
  };
}

function openPixels(source: Image, channels: number, background: Color, maxPixels: number): OpenedImage {
  const { data, width, height } = source;
  if (data.length !== width * height * source.channels) {
    throw new MaeError('IMAGE_INVALID', {
      what: `${data.length} values are not ${height} × ${width} × ${source.channels} pixels`,
    });
  }
  const warning = checkPixels(source, undefined, maxPixels);
  const image = { data, width, height, channels: source.channels };
  const whole: Box = [0, 0, width, height];
  const read = (box: Box): Image => withChannels(crop(image, box), channels, background);
  return {
    width,
    height,
    ...(warning === undefined ? {} : { warning }),
    withPixels: (box, use) => Promise.resolve(use(withChannels(image, channels, background), box)),
    read: (box = whole) => Promise.resolve(read(box)),
  };
}

/** Of a bitmap, which is decoded whole. */
function wholeBmp(bytes: Uint8Array, { bmp }: PictureHeader, path: string): (() => Promise<Image>) | undefined {
  if (bmp === undefined) return undefined;
  return () =>
    new Promise((resolve) => {
      try {
        resolve(decodeBmp(bytes, bmp));
      } catch (cause) {
        throw unreadable(path, messageOf(cause), cause);
      }
    });
}

/** Sentences about a picture that hold for all of its kind. */
function notesOf({ frames, samples }: PictureHeader, channels: number): string[] {
  const unused = unusedSamplesNote(samples, channels);
  return [
    ...(frames > 1 ? ['files of several frames or pages, of which the first is used'] : []),
    ...(unused === undefined ? [] : [unused]),
  ];
}

function readPicture(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    // Synchronous: one call instead of four round trips through the thread pool that also decodes.
    bytes = readFileSync(path);
  } catch (cause) {
    throw unopened(path, cause);
  }
  if (bytes.length === 0) throw new MaeError('IMAGE_INVALID', { what: 'the file is empty', where: path });
  return bytes;
}

function unopened(path: string, cause: unknown): MaeError {
  const code = (cause as NodeJS.ErrnoException).code;
  const what = isFolder(path)
    ? 'this is a folder, not a picture'
    : code === 'ENOENT'
      ? 'there is no such picture'
      : `the picture cannot be read (${messageOf(cause)})`;
  return new MaeError('IMAGE_INVALID', { what, where: path, cause });
}

/** Orientations 5–8 turn the picture by a quarter. */
function orientedSize({ width, height, orientation }: PictureHeader, orient: boolean): Size {
  return orient && orientation >= 5 ? { width: height, height: width } : { width, height };
}

/** What to say of a picture above the limit. @throws MaeError `IMAGE_TOO_LARGE` above twice the limit */
function checkPixels({ width, height }: Size, path: string | undefined, maxPixels: number): string | undefined {
  const numPixels = width * height;
  if (numPixels > 2 * maxPixels) {
    throw new MaeError('IMAGE_TOO_LARGE', {
      what: `the picture has ${width} × ${height} = ${numPixels} pixels, more than twice \`maxPixels\` (=${maxPixels})`,
      where: path,
      fix: 'make it smaller, or raise `data.maxPixels` if you trust it',
    });
  }
  return numPixels > maxPixels
    ? `${path === undefined ? '' : `${path}: `}the picture has ${width} × ${height} = ${numPixels} pixels, more than \`maxPixels\` (=${maxPixels})`
    : undefined;
}

interface EncodedPicture {
  readonly bytes: Uint8Array;
  readonly header: PictureHeader;
  readonly path: string;
  readonly applyOrientation: boolean;
  readonly decodeFast: DecodeJpegFast | undefined;
  /** Channels that are wanted. */
  readonly channels: number;
  /** Of a picture that is decoded whole, as it is shown. */
  readonly whole: (() => Promise<Image>) | undefined;
}

async function readPixels<Result extends object>(
  { bytes, header, path, applyOrientation, decodeFast, channels, whole }: EncodedPicture,
  box: Box,
  use: (image: Image, within: Box) => Result,
): Promise<Result> {
  if (whole !== undefined) return use(await whole(), box);
  const orient = applyOrientation && header.orientation !== 1;
  const fast = orient ? undefined : decodeFast?.(bytes, header);
  if (fast !== undefined) return use(fast, box);
  const isWhole = box[0] === 0 && box[1] === 0 && isSizeOf(box, orientedSize(header, orient));
  const options = { orient, box: isWhole ? undefined : box };
  let image: Image;
  try {
    image = await (header.format === 'JPEG' ? decodeJpegByLibvips(bytes, options) : decodeByLibvips(bytes, options));
  } catch (cause) {
    throw unreadable(path, reasonOf(cause), cause);
  }
  return use(withSelectedSamples(image, header, channels), [0, 0, image.width, image.height]);
}

function withSelectedSamples(image: Image, { samples }: PictureHeader, wanted: number): Image {
  if (samples === undefined) return image;
  const { data, channels } = selectSamples(image.data, image.channels, samples, wanted);
  return { ...image, data, channels };
}

function isSizeOf(box: Box, { width, height }: Size): boolean {
  return box[2] === width && box[3] === height;
}

function namingFile<Result>(path: string, convert: () => Result): Result {
  try {
    return convert();
  } catch (error) {
    if (error instanceof MaeError) throw new MaeError(error.code, { what: error.message, where: path, cause: error });
    throw error;
  }
}
