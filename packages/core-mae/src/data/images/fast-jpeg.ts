import type * as jpegTurbo from '@julusian/jpeg-turbo';
import { MaeError, messageOf } from '../../base/errors.js';
import type { Image } from './picture.js';

/**
 * All pixels of a JPEG of three components, as stored, in memory that the next one takes. Undefined where libjpeg has
 * anything to say against the file.
 */
export type DecodeJpegFast = (
  bytes: Uint8Array,
  size: { readonly width: number; readonly height: number },
) => Image | undefined;

let loaded: Promise<DecodeJpegFast> | undefined;

/**
 * libjpeg-turbo without libvips around it, by its fast transform: levels differ from the accurate one's by a few.
 *
 * @throws MaeError `CONFIG_INVALID`: its package is an optional peer
 */
export function loadFastJpeg(): Promise<DecodeJpegFast> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<DecodeJpegFast> {
  let turbo: typeof jpegTurbo;
  try {
    const module = (await import('@julusian/jpeg-turbo')) as typeof jpegTurbo & { readonly default?: typeof jpegTurbo };
    turbo = module.default ?? module;
  } catch (cause) {
    throw new MaeError('CONFIG_INVALID', {
      what: `the fast decoder does not load (${messageOf(cause).split('\n')[0]!})`,
      where: 'data.jpegDct',
      fix: 'run: npm i @julusian/jpeg-turbo, or leave `data.jpegDct` at `accurate`',
      cause,
    });
  }
  let kept = Buffer.alloc(0);
  return (bytes, { width, height }) => {
    const length = width * height * 3;
    // One byte more, so that nobody takes the memory for the picture's own.
    if (kept.length <= length) kept = Buffer.alloc(length + 1);
    const data = kept.subarray(0, length);
    try {
      const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      turbo.decompressSync(file, data, { format: turbo.FORMAT_RGB });
    } catch {
      // Warnings, too, and without a word: the other decoder tells harmless ones from damage.
      return undefined;
    }
    return { data, width, height, channels: 3 };
  };
}
