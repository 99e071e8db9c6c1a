import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Dataset } from '#core/contracts/dataset.js';
import { encodeRle } from '#core/data/masks/rle.js';
import { rleToBytes, rleToString } from '#core/data/masks/rle-string.js';
import type { InstanceAnnotations } from '#core/data/targets/instance-target.js';
import { createRandom } from '#core/base/random.js';

/** Classes of shapes, each with a colour of its own. */
export const SHAPES = ['disc', 'block'] as const;
/** As in COCO, ids have gaps. */
export const SHAPE_IDS = [3, 7] as const;

interface Shape {
  readonly kind: number;
  readonly box: readonly [x: number, y: number, width: number, height: number];
  readonly mask: Uint8Array;
  readonly crowd?: boolean;
}

interface Scene {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly shapes: readonly Shape[];
}

/** Discs and blocks on a noisy ground; every fourth picture is empty, every fifth has a crowd. */
function drawScene(index: number, seed: number): Scene {
  const random = createRandom(seed).fork('scene', index);
  const [width, height] = index % 3 === 1 ? [48, 64] : [64, 56];
  const pixels = Uint8Array.from({ length: width * height * 3 }, () => 90 + random.integer(50));
  const count = index % 4 === 3 ? 0 : 1 + random.integer(3);
  const shapes = Array.from({ length: count }, (_, i): Shape => {
    const kind = random.integer(2);
    const side = 14 + random.integer(18);
    const [left, top] = [random.integer(width - side), random.integer(height - side)];
    const mask = new Uint8Array(width * height);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const away = Math.hypot(x + 0.5 - side / 2, y + 0.5 - side / 2);
        if (kind === 0 && away > side / 2) continue;
        const at = (top + y) * width + left + x;
        mask[at] = 1;
        pixels.set(kind === 0 ? [230, 60, 40] : [40, 80, 230], 3 * at);
      }
    }
    return { kind, box: [left, top, side, side], mask, ...(index % 5 === 4 && i > 0 ? { crowd: true } : {}) };
  });
  return { width, height, pixels, shapes };
}

/** The same pictures in memory. */
export function objectPictures(count: number, { seed = 0, masks = true, classNames = [...SHAPES] as string[] } = {}) {
  const dataset: Dataset<InstanceAnnotations> = {
    name: 'shapes',
    size: count,
    item(index) {
      const { width, height, pixels, shapes } = drawScene(index, seed);
      const target: InstanceAnnotations = {
        imageId: 100 + index,
        width,
        height,
        ids: Float64Array.from(shapes, (_, i) => 10 * index + i + 1),
        boxes: Float64Array.from(shapes.flatMap(({ box: [x, y, w, h] }) => [x, y, x + w, y + h])),
        classes: Int32Array.from(shapes, ({ kind }) => kind),
        crowds: Uint8Array.from(shapes, ({ crowd }) => Number(crowd === true)),
        masks: shapes.map(({ mask }) =>
          masks ? { kind: 'runs', bytes: rleToBytes(encodeRle(mask, height, width)), height, width } : undefined,
        ),
      };
      return { id: `${index}.png`, image: { kind: 'pixels', data: pixels, width, height, channels: 3 }, target };
    },
    classNames,
    classIds: SHAPE_IDS.slice(0, classNames.length),
    warnings: [],
  };
  return dataset;
}

/** The same pictures as a COCO data set on disk, with the splits train and val. */
export async function writeObjectPictures(folder: string, numTrain: number, numVal: number): Promise<void> {
  await mkdir(join(folder, 'annotations'), { recursive: true });
  for (const [split, count, seed] of [
    ['train', numTrain, 0],
    ['val', numVal, 1],
  ] as const) {
    await mkdir(join(folder, split), { recursive: true });
    const images: object[] = [];
    const annotations: object[] = [];
    for (let index = 0; index < count; index++) {
      const { width, height, pixels, shapes } = drawScene(index, seed);
      const fileName = `${String(100 + index).padStart(6, '0')}.png`;
      await sharp(pixels, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(join(folder, split, fileName));
      images.push({ id: 100 + index, file_name: fileName, width, height });
      shapes.forEach(({ kind, box, mask, crowd }) => {
        const area = mask.reduce((sum, value) => sum + value, 0);
        const segmentation = { size: [height, width], counts: rleToString(encodeRle(mask, height, width)) };
        const iscrowd = Number(crowd === true);
        const id = annotations.length + 1;
        annotations.push({
          id,
          image_id: 100 + index,
          category_id: SHAPE_IDS[kind],
          bbox: box,
          area,
          iscrowd,
          segmentation,
        });
      });
    }
    const categories = SHAPES.map((name, index) => ({ id: SHAPE_IDS[index], name }));
    const text = JSON.stringify({ images, annotations, categories });
    await writeFile(join(folder, 'annotations', `instances_${split}.json`), text);
  }
}
