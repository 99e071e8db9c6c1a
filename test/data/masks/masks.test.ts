import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { boxIou, maskIou } from '#core/data/masks/overlap.js';
import { boxToRle, polygonsToRle, polygonToRle } from '#core/data/masks/polygon.js';
import { rleFromString, rleToString } from '#core/data/masks/rle-string.js';
import {
  decodeRle,
  emptyRle,
  encodeRle,
  mergeRles,
  type Rle,
  rleArea,
  rleFromCounts,
  rleToBox,
} from '#core/data/masks/rle.js';
import { rleToPolygons } from '#core/data/masks/trace-polygons.js';
import { createRandom } from '#core/base/random.js';
import { fixturePath } from '../../fixture-path.js';

interface PolygonCase {
  height: number;
  width: number;
  polygons: number[][];
  rles: string[];
  merged: string;
  intersected: string;
  area: number;
  bbox: number[];
  pixels_sum_by_row: number[];
}
interface IouCase {
  height: number;
  width: number;
  dt: string[];
  gt: string[];
  iscrowd: number[];
  mask_iou: number[][];
  dt_boxes: number[][];
  gt_boxes: number[][];
  box_iou: number[][];
}
const expected = JSON.parse(readFileSync(fixturePath('coco/expected_masks.json'), 'utf8')) as {
  polygons: PolygonCase[];
  iou: IouCase[];
};

function randomMask(seed: number, height: number, width: number, density: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length: height * width }, () => (random.uniform() < density ? 1 : 0));
}

describe('masks equal pycocotools', () => {
  it.each(expected.polygons.map((entry, index) => ({ index, entry })))('polygon case $index', ({ entry }) => {
    const { height, width } = entry;
    const rles = entry.polygons.map((polygon) => polygonToRle(polygon, height, width));
    expect(rles.map(rleToString)).toEqual(entry.rles);
    const merged = mergeRles(rles, 'union');
    expect(rleToString(merged)).toBe(entry.merged);
    expect(rleToString(polygonsToRle(entry.polygons, height, width))).toBe(entry.merged);
    expect(rleToString(mergeRles(rles, 'intersection'))).toBe(entry.intersected);
    expect(rleArea(merged)).toBe(entry.area);
    expect(rleToBox(merged)).toEqual(entry.bbox);
    const mask = decodeRle(merged);
    const rows = Array.from({ length: height }, (_, y) =>
      mask.subarray(y * width, (y + 1) * width).reduce((sum, value) => sum + value, 0),
    );
    expect(rows).toEqual(entry.pixels_sum_by_row);
    expect(rleFromString(entry.merged, height, width)).toEqual(merged);
    expect(encodeRle(mask, height, width)).toEqual(merged);
  });

  it.each(expected.iou.map((entry, index) => ({ index, entry })))('IoU case $index', ({ entry }) => {
    const { height, width } = entry;
    const crowds = Uint8Array.from(entry.iscrowd);
    const decode = (text: string): Rle => rleFromString(text, height, width);
    expect([...maskIou(entry.dt.map(decode), entry.gt.map(decode), crowds)]).toEqual(entry.mask_iou.flat());
    const boxes = boxIou(Float64Array.from(entry.dt_boxes.flat()), Float64Array.from(entry.gt_boxes.flat()), crowds);
    expect([...boxes]).toEqual(entry.box_iou.flat());
  });
});

describe('properties of masks', () => {
  const sizes = [
    [1, 1],
    [1, 17],
    [23, 1],
    [13, 29],
    [64, 48],
  ] as const;

  it.each([0, 0.03, 0.5, 0.97, 1])('survive encoding, text and outlines at density %f', (density) => {
    for (const [index, [height, width]] of sizes.entries()) {
      const mask = randomMask(index + 1, height, width, density);
      const rle = encodeRle(mask, height, width);
      expect(decodeRle(rle)).toEqual(mask);
      expect(rleFromString(rleToString(rle), height, width)).toEqual(rle);
      expect(rleFromCounts([...rle.counts], height, width)).toEqual(rle);
      expect(rleArea(rle)).toBe(mask.reduce((sum, value) => sum + value, 0));
      expect(decodeRle(polygonsToRle(rleToPolygons(rle), height, width))).toEqual(mask);
    }
  });

  it('have a symmetric IoU, 1 with themselves', () => {
    const masks = [0.1, 0.4, 0.8].map((density, seed) => encodeRle(randomMask(seed + 9, 31, 37, density), 31, 37));
    const none = new Uint8Array(masks.length);
    const overlaps = maskIou(masks, masks, none);
    for (let a = 0; a < masks.length; a++) {
      expect(overlaps[a * masks.length + a]).toBe(1);
      for (let b = 0; b < a; b++) expect(overlaps[a * masks.length + b]).toBe(overlaps[b * masks.length + a]);
    }
  });

  it('merge as pixels do', () => {
    const [a, b, c] = [1, 2, 3].map((seed) => randomMask(seed, 20, 33, 0.4)) as [Uint8Array, Uint8Array, Uint8Array];
    const rles = [a, b, c].map((mask) => encodeRle(mask, 20, 33));
    expect(decodeRle(mergeRles(rles, 'union'))).toEqual(a.map((value, i) => value | b[i]! | c[i]!));
    expect(decodeRle(mergeRles(rles, 'intersection'))).toEqual(a.map((value, i) => value & b[i]! & c[i]!));
  });

  it('of boxes on whole pixels cover exactly these pixels', () => {
    const rle = boxToRle([3, 2, 5, 4], 10, 12);
    expect(rleToBox(rle)).toEqual([3, 2, 5, 4]);
    expect(rleArea(rle)).toBe(20);
    expect(boxToRle([-50, -50, 200, 200], 10, 12)).toEqual(encodeRle(new Uint8Array(120).fill(1), 10, 12));
  });

  it('of outlines far outside the picture cost no time', () => {
    const rle = polygonToRle([-1e8, -1e8, 3e8, -1e8, 3e8, 3e8, -1e8, 3e8], 100, 100);
    expect(rleArea(rle)).toBe(10_000);
  });
});

describe('broken masks', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['odd polygon', () => polygonToRle([1, 2, 3], 9, 9), /3 numbers/],
    ['NaN coordinate', () => polygonToRle([1, 2, Number.NaN, 3, 4, 5], 9, 9), /coordinate of NaN/],
    ['infinite coordinate', () => polygonToRle([1, 2, Infinity, 3, 4, 5], 9, 9), /coordinate of Infinity/],
    ['short counts', () => rleFromCounts([3, 4], 3, 3), /sum to 7/],
    ['long counts', () => rleFromCounts([3, 40], 3, 3), /sum to 43/],
    ['negative counts', () => rleFromCounts([12, -3], 3, 3), /count 1 is -3/],
    ['fractional counts', () => rleFromCounts([4.5, 4.5], 3, 3), /4\.5/],
    ['cut string', () => rleFromString('P', 3, 3), /ends inside|negative|sum|large/],
    ['foreign character', () => rleFromString('9é', 3, 3), /character code/],
    ['space', () => rleFromString('9 ', 3, 3), /character code 32/],
    ['negative string', () => rleFromString('O', 3, 3), /negative/],
    ['string of another size', () => rleFromString('9', 30, 30), /sum to 9/],
    ['huge size', () => rleFromString('9', 1e6, 1e6), /exceeds/],
    ['merge of two sizes', () => mergeRles([emptyRle(2, 3), emptyRle(3, 2)], 'union'), /2 × 3 and 3 × 2/],
    ['merge of none', () => mergeRles([], 'union'), /No masks/],
  ])('%s is refused', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('random strings end in a mask or in ANNOTATION_INVALID, quickly', () => {
    const random = createRandom(5);
    let accepted = 0;
    for (let trial = 0; trial < 20_000; trial++) {
      const length = random.integer(12);
      const text = Array.from({ length }, () => String.fromCharCode(46 + random.integer(68))).join('');
      try {
        const rle = rleFromString(text, 4, 5);
        expect(rle.counts.reduce((sum, count) => sum + count, 0)).toBe(20);
        accepted++;
      } catch (error) {
        expect(error).toMatchObject({ code: 'ANNOTATION_INVALID' });
      }
    }
    expect(accepted).toBeGreaterThan(0);
  });
});
