import sharp, { type Sharp } from 'sharp';
import type { Box } from '../../contracts/transform.js';
import { messageOf } from '../../base/errors.js';
import type { Image } from './picture.js';

/** A picture's size as stored, and its EXIF orientation, 1–8. */
export interface LibvipsHeader {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  /** What libvips calls its colours. */
  readonly space: string;
  /** Pictures in the file. */
  readonly pages: number;
}

export interface LibvipsOptions {
  /** Whether the EXIF orientation is applied, before the box. */
  readonly orient: boolean;
  /** Default the whole. */
  readonly box?: Box | undefined;
}

/**
 * Makes libvips decode each picture in one thread and keep none, for the whole process: many pictures are decoded at
 * the same time, so more threads for each would only get in each other's way.
 */
export function decodeManyAtOnce(): void {
  sharp.concurrency(1);
  sharp.cache(false);
}

/** What a picture's header says. @throws Error in libvips's words */
export async function readHeaderByLibvips(bytes: Uint8Array): Promise<LibvipsHeader> {
  const { width, height, pageHeight, orientation, space, pages } = await opened(bytes, 'error').metadata();
  return { width, height: pageHeight ?? height, orientation: orientation ?? 1, space, pages: pages ?? 1 };
}

/** The pixels of a picture in any format but JPEG. @throws Error in libvips's words */
export function decodeByLibvips(bytes: Uint8Array, options: LibvipsOptions): Promise<Image> {
  return readPixels(opened(bytes, 'error'), options);
}

/** Samples as they are stored, in the machine's byte order. */
export interface StoredSamples {
  readonly bytes: ArrayBuffer;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

export interface StoredSamplesOptions {
  readonly orient: boolean;
  /** What libvips calls the colours that are stored, so that nothing is converted. */
  readonly space: string;
  readonly depth: 'char' | 'ushort' | 'int' | 'uint' | 'float';
}

/** The samples of a whole PNG or TIFF of more than 8 bits, as they are stored. @throws Error in libvips's words */
export async function readSamplesByLibvips(
  bytes: Uint8Array,
  { orient, space, depth }: StoredSamplesOptions,
): Promise<StoredSamples> {
  const pipeline = opened(bytes, 'error');
  if (orient) pipeline.autoOrient();
  const { data, info } = await pipeline.toColourspace(space).raw({ depth }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { bytes: new Uint8Array(data).buffer, width, height, channels };
}

/**
 * The pixels of a JPEG. Damage in its data, of which libjpeg only warns and shows grey, is an error; superfluous bytes
 * are not.
 *
 * @throws Error in libjpeg's words
 */
export async function decodeJpegByLibvips(bytes: Uint8Array, options: LibvipsOptions): Promise<Image> {
  try {
    return await readPixels(opened(bytes, 'warning'), options);
  } catch (error) {
    const lines = messageOf(error).split('\n');
    const isHarmless = lines.every((line) => line.includes('extraneous bytes before marker'));
    if (!isHarmless) throw error;
    return readPixels(opened(bytes, 'error'), options);
  }
}

function opened(bytes: Uint8Array, failOn: 'error' | 'warning'): Sharp {
  // The pixel limit is ours, checked from the header; a damaged end must fail instead of turning grey.
  return sharp(bytes, { failOn, limitInputPixels: false, sequentialRead: true, ignoreIcc: true });
}

async function readPixels(pipeline: Sharp, { orient, box }: LibvipsOptions): Promise<Image> {
  if (orient) pipeline.autoOrient();
  if (box !== undefined) {
    const [left, top, right, bottom] = box;
    pipeline.extract({ left, top, width: right - left, height: bottom - top });
  }
  const { data, info } = await pipeline.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height, channels };
}
