import sharp, { type Sharp } from 'sharp';
import type { Image } from './picture.js';

/** JPEG quality, 1–100. */
const DEFAULT_QUALITY = 90;

/** The picture (1, 3 or 4 channels) as the bytes of a PNG file. */
export async function encodePng(image: Image): Promise<Uint8Array> {
  return encoder(image).png().toBuffer();
}

/** The picture (1 or 3 channels) as the bytes of a JPEG file. */
export async function encodeJpeg(image: Image, quality = DEFAULT_QUALITY): Promise<Uint8Array> {
  return encoder(image).jpeg({ quality }).toBuffer();
}

function encoder({ data, width, height, channels }: Image): Sharp {
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new RangeError(`A picture of ${channels} channels cannot be written: it must have 1, 3 or 4.`);
  }
  const pipeline = sharp(data, { raw: { width, height, channels } });
  return channels === 1 ? pipeline.toColourspace('b-w') : pipeline;
}
