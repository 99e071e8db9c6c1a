import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { labelMapPng } from '#core/data/targets/label-map-png.js';
import { paintedPictures } from './painted-pictures.js';

const CLASSES = ['ground', 'disc', 'bar'];
const SIZE = [24, 32] as const;

/** ADE20K's layout with 8 training and 4 validation pictures of 32 × 24, classes from 0 in `classes.txt`. */
export async function writeSemanticFolder(folder: string): Promise<string> {
  for (const [split, first, count] of [
    ['training', 0, 8],
    ['validation', 8, 4],
  ] as const) {
    for (let index = first; index < first + count; index++) {
      const name = `scene-${index}`;
      await writePicture(join(folder, 'images', split, `${name}.png`), index);
      const { target } = paintedPictures({ count: 12, size: SIZE }).item(index);
      await write(join(folder, 'annotations', split, `${name}.png`), labelMapPng(target!));
    }
  }
  await write(join(folder, 'classes.txt'), `${CLASSES.join('\n')}\n`);
  return folder;
}

/** COCO's layout with the same pictures; the objects are the disc, as a polygon, and the bar. */
export async function writeObjectFolder(folder: string): Promise<string> {
  const [height, width] = SIZE;
  for (const [split, first, count] of [
    ['train', 0, 8],
    ['val', 8, 4],
  ] as const) {
    const indexes = Array.from({ length: count }, (_, position) => first + position);
    for (const index of indexes) await writePicture(join(folder, 'images', split, `scene-${index}.png`), index);
    const annotations = indexes.flatMap((index) => {
      const [cx, cy, r] = [width * (0.35 + 0.08 * (index % 4)), height * (0.4 + 0.06 * (index % 3)), height * 0.28];
      const circle = Array.from({ length: 16 }, (_, corner) => {
        const angle = (corner * Math.PI) / 8;
        return [cx + r * Math.cos(angle), cy + r * Math.sin(angle)];
      }).flat();
      const bar = [0, 0.75 * height, width, 0.75 * height, width, 0.92 * height, 0, 0.92 * height];
      const shared = { image_id: index, iscrowd: 0 };
      return [
        {
          ...shared,
          id: 2 * index + 1,
          category_id: 1,
          bbox: [cx - r, cy - r, 2 * r, 2 * r],
          area: 3.06 * r * r,
          segmentation: [circle],
        },
        { ...shared, id: 2 * index + 2, category_id: 7, bbox: [0, 18, width, 4], area: 4 * width, segmentation: [bar] },
      ];
    });
    const file = {
      images: indexes.map((id) => ({ id, file_name: `scene-${id}.png`, width, height })),
      annotations,
      categories: [
        { id: 1, name: 'disc' },
        { id: 7, name: 'bar' },
      ],
    };
    await write(join(folder, 'annotations', `instances_${split}.json`), JSON.stringify(file));
  }
  return folder;
}

async function writePicture(path: string, index: number): Promise<void> {
  const { image } = paintedPictures({ count: 12, size: SIZE }).item(index);
  if (image.kind !== 'pixels') throw new Error('painted pictures are in memory');
  const { data, width, height } = image;
  await mkdir(dirname(path), { recursive: true });
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
