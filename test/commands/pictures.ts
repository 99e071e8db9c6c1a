import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { tinyPictures } from '../train/tiny-pictures.js';

/** Writes small pictures into a folder that is created. */
export async function writePictures(folder: string, count: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const dataset = tinyPictures(count);
  for (let index = 0; index < count; index++) {
    const { image } = dataset.item(index);
    if (image.kind !== 'pixels') continue;
    const { data, width, height } = image;
    const raw = { width, height, channels: 3 as const };
    await sharp(data, { raw })
      .png()
      .toFile(join(folder, `picture-${String(index).padStart(3, '0')}.png`));
  }
  return folder;
}

/** Flags of a model that trains in milliseconds. */
export const TINY_MODEL = [
  '--image-size',
  '16',
  '--patch-size',
  '4',
  '--set',
  'model.embedDim=16',
  'model.depth=2',
  'model.numHeads=2',
  'model.decoderEmbedDim=8',
  'model.decoderDepth=1',
  'model.decoderNumHeads=2',
] as const;
