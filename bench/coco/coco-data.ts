import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { polygonToRle } from '../../packages/core-mae/src/data/masks/polygon.js';
import { rleToString } from '../../packages/core-mae/src/data/masks/rle-string.js';
import { rleArea, rleToBox } from '../../packages/core-mae/src/data/masks/rle.js';
import type { Random } from '../../packages/core-mae/src/contracts/random.js';
import { createRandom } from '../../packages/core-mae/src/base/random.js';

/** Made-up data of COCO's dimensions, the same on every machine, kept in the temporary folder between runs. */
const FOLDER = join(tmpdir(), 'mae-tasks-bench-coco');
const WIDTH = 640;
const HEIGHT = 480;
const NUM_CATEGORIES = 80;

/** A rough outline around a centre: `x, y` pairs with two decimals. */
export function blob(random: Random, centerX: number, centerY: number, radius: number, numPoints: number): number[] {
  const points: number[] = [];
  for (let i = 0; i < numPoints; i++) {
    const angle = (2 * Math.PI * i) / numPoints;
    const reach = radius * (0.7 + 0.3 * random.uniform());
    const within = (value: number, limit: number): number =>
      Math.round(100 * Math.min(limit, Math.max(0, value))) / 100;
    points.push(within(centerX + reach * Math.cos(angle), WIDTH), within(centerY + reach * Math.sin(angle), HEIGHT));
  }
  return points;
}

export interface EvaluationFiles {
  readonly annotations: string;
  readonly bbox: string;
  readonly segm: string;
}

/** Annotations of `numImages` pictures with about 7 objects, and 100 detections on each picture. */
export function evaluationFiles(numImages = 5000, detectionsPerImage = 100): EvaluationFiles {
  const files = {
    annotations: join(FOLDER, `instances-${numImages}.json`),
    bbox: join(FOLDER, `bbox-${numImages}-${detectionsPerImage}.json`),
    segm: join(FOLDER, `segm-${numImages}-${detectionsPerImage}.json`),
  };
  if (existsSync(files.segm)) return files;
  const random = createRandom(7);
  const annotations: string[] = [];
  const bbox = listWriter(files.bbox);
  const segm = listWriter(files.segm);
  for (let image = 1; image <= numImages; image++) {
    const truths: Array<{ category: number; x: number; y: number; radius: number }> = [];
    for (let i = 0; i < 1 + random.integer(13); i++) {
      const truth = {
        category: 1 + random.integer(NUM_CATEGORIES),
        x: random.integer(WIDTH),
        y: random.integer(HEIGHT),
        radius: 6 + 150 * random.uniform() ** 2,
      };
      truths.push(truth);
      const polygon = blob(random, truth.x, truth.y, truth.radius, 24);
      const rle = polygonToRle(polygon, HEIGHT, WIDTH);
      const crowd = random.uniform() < 0.02;
      annotations.push(
        JSON.stringify({
          segmentation: crowd ? { counts: [...rle.counts], size: [HEIGHT, WIDTH] } : [polygon],
          area: rleArea(rle),
          iscrowd: Number(crowd),
          image_id: image,
          bbox: rleToBox(rle),
          category_id: truth.category,
          id: annotations.length + 1,
        }),
      );
    }
    for (let i = 0; i < detectionsPerImage; i++) {
      const near = random.uniform() < 0.4 ? truths[random.integer(truths.length)]! : undefined;
      const spread = 12 * random.normal();
      const rle = polygonToRle(
        near === undefined
          ? blob(random, random.integer(WIDTH), random.integer(HEIGHT), 6 + 150 * random.uniform() ** 2, 16)
          : blob(random, near.x + spread, near.y - spread / 2, near.radius, 24),
        HEIGHT,
        WIDTH,
      );
      const entry = {
        image_id: image,
        category_id: near?.category ?? 1 + random.integer(NUM_CATEGORIES),
        score: random.uniform(),
      };
      const shift = random.uniform();
      bbox.write(JSON.stringify({ ...entry, bbox: rleToBox(rle).map((side) => side + shift) }));
      segm.write(JSON.stringify({ ...entry, segmentation: { size: [HEIGHT, WIDTH], counts: rleToString(rle) } }));
    }
  }
  writeInstances(files.annotations, numImages, annotations);
  bbox.finish();
  segm.finish();
  return files;
}

/** An instances file of about `megabytes` MB, in the form of instances_train2017.json. */
export function largeInstancesFile(megabytes: number): string {
  const path = join(FOLDER, `large-${megabytes}.json`);
  if (existsSync(path)) return path;
  const random = createRandom(9);
  const numImages = Math.ceil(megabytes * 262);
  const annotations: string[] = [];
  let bytes = 0;
  while (bytes < megabytes * 1e6 * 0.93) {
    const polygon = blob(random, random.integer(WIDTH), random.integer(HEIGHT), 100, 8 + random.integer(30));
    const entry = JSON.stringify({
      segmentation: [polygon],
      area: Math.round(random.uniform() * 1e8) / 1e4,
      iscrowd: 0,
      image_id: 1 + random.integer(numImages),
      bbox: [random.integer(WIDTH) / 2, random.integer(HEIGHT) / 2, 100.25, 90.5],
      category_id: 1 + random.integer(NUM_CATEGORIES),
      id: annotations.length + 1,
    });
    annotations.push(entry);
    bytes += entry.length + 2;
  }
  writeInstances(path, numImages, annotations);
  return path;
}

function writeInstances(path: string, numImages: number, annotations: readonly string[]): void {
  const writer = listWriter(path, '{"info": {}, "licenses": [], "images": [');
  for (let id = 1; id <= numImages; id++) {
    const name = `${String(id).padStart(12, '0')}.jpg`;
    writer.write(
      JSON.stringify({
        license: 1,
        file_name: name,
        coco_url: `http://images.cocodataset.org/train2017/${name}`,
        height: HEIGHT,
        width: WIDTH,
        date_captured: '2013-11-14 17:02:52',
        id,
      }),
    );
  }
  writer.next('], "categories": [');
  for (let id = 1; id <= NUM_CATEGORIES; id++)
    writer.write(JSON.stringify({ supercategory: 'thing', id, name: `c${id}` }));
  writer.next('], "annotations": [');
  for (const annotation of annotations) writer.write(annotation);
  writer.finish(']}');
}

interface ListWriter {
  write(entry: string): void;
  /** Ends the present list and begins another. */
  next(between: string): void;
  finish(end?: string): void;
}

function listWriter(path: string, begin = '['): ListWriter {
  mkdirSync(FOLDER, { recursive: true });
  const descriptor = openSync(`${path}.unfinished`, 'w');
  let text = begin;
  let isFirst = true;
  const append = (piece: string): void => {
    text += piece;
    if (text.length < 1 << 20) return;
    writeSync(descriptor, text);
    text = '';
  };
  return {
    write(entry) {
      append(isFirst ? entry : `, ${entry}`);
      isFirst = false;
    },
    next(between) {
      append(between);
      isFirst = true;
    },
    finish(end = ']') {
      writeSync(descriptor, text + end);
      closeSync(descriptor);
      renameSync(`${path}.unfinished`, path);
    },
  };
}
