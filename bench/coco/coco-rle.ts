import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { maskIou } from '../../packages/core-mae/src/data/masks/overlap.js';
import { polygonToRle } from '../../packages/core-mae/src/data/masks/polygon.js';
import { rleFromString, rleToString } from '../../packages/core-mae/src/data/masks/rle-string.js';
import { createRandom } from '../../packages/core-mae/src/base/random.js';
import { blob } from './coco-data.js';
import { benchFile, compare, type Comparison, reportMeasurement } from '../compare.js';

const HEIGHT = 480;
const WIDTH = 640;

interface Work {
  readonly polygons: ReadonlyArray<readonly number[]>;
  /** Groups of masks that are compared each with each, as compressed strings. */
  readonly groups: ReadonlyArray<readonly string[]>;
}

/** pycocotools' C code against ours: polygons to compressed strings, and overlaps of compressed masks. */
export function run(): Comparison[] {
  const folder = mkdtempSync(join(tmpdir(), 'mae-rle-'));
  const path = join(folder, 'work.json');
  try {
    writeFileSync(path, JSON.stringify(makeWork()));
    return ['polygons', 'overlaps'].map((part) =>
      compare(
        `coco-rle-${part}`,
        5,
        [benchFile('coco/coco-rle.ts'), part, path],
        [benchFile('peers/coco-rle.py'), part, path],
      ),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function makeWork(): Work {
  const random = createRandom(3);
  const outline = (): number[] =>
    blob(random, random.integer(WIDTH), random.integer(HEIGHT), 10 + random.integer(140), 12 + random.integer(40));
  const polygons = Array.from({ length: 20_000 }, outline);
  const strings = polygons.slice(0, 4000).map((polygon) => rleToString(polygonToRle(polygon, HEIGHT, WIDTH)));
  const groups = Array.from({ length: 40 }, (_, group) => strings.slice(100 * group, 100 * (group + 1)));
  return { polygons, groups };
}

/** Repeated so that a run lasts long enough to be measured. */
const REPEATS = 5;

function measure(part: string, { polygons, groups }: Work): void {
  let checksum = 0;
  const work = (): void => {
    if (part === 'polygons') {
      for (const polygon of polygons) checksum += rleToString(polygonToRle(polygon, HEIGHT, WIDTH)).length;
    } else {
      for (const group of groups) {
        const masks = group.map((counts) => rleFromString(counts, HEIGHT, WIDTH));
        for (const overlap of maskIou(masks, masks, new Uint8Array(masks.length))) checksum += overlap;
      }
    }
  };
  const start = performance.now();
  for (let repeat = 0; repeat < REPEATS; repeat++) work();
  const seconds = (performance.now() - start) / 1000;
  console.log(`checksum ${checksum}`);
  reportMeasurement(seconds);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  measure(process.argv[2]!, JSON.parse(readFileSync(process.argv[3]!, 'utf8')) as Work);
}
