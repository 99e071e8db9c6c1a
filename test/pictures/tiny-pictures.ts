import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Dataset } from '#core/contracts/dataset.js';
import { createRandom } from '#core/base/random.js';

/** Small coloured pictures with some structure, different from each other and the same every time. */
export function tinyPictures(count: number, side = 20): Dataset {
  return {
    name: 'tiny pictures',
    size: count,
    warnings: [],
    item(index) {
      const random = createRandom(index);
      const [cx, cy, radius] = [random.uniform() * side, random.uniform() * side, 3 + random.uniform() * side * 0.4];
      const inside = [random.integer(256), random.integer(256), random.integer(256)];
      const data = new Uint8Array(side * side * 3);
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const isInside = Math.hypot(x - cx, y - cy) < radius;
          for (let c = 0; c < 3; c++)
            data[(y * side + x) * 3 + c] = isInside ? inside[c]! : (x * 7 + y * 3 + c * 40) % 256;
        }
      }
      return { id: `picture ${index}`, image: { kind: 'pixels', data, width: side, height: side, channels: 3 } };
    },
  };
}

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
