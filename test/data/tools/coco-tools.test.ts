import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkData } from '#core/data/tools/check-data.js';

import { cropBoxes } from '#core/data/tools/coco-crop.js';
import { loadCoco } from '#core/data/coco/parse.js';
import { cocoDataset } from '#core/data/readers/coco-instances.js';
import { splitCoco } from '#core/data/tools/coco-split.js';
import { cocoStats } from '#core/data/tools/coco-stats.js';
import { decodeImage } from '#core/data/images/image.js';
import { listFiles } from '#core/base/listing.js';
import { createRandom } from '#core/base/random.js';
import { annotationSheetPng } from '#core/report/sheets/annotation-sheet.js';

const folder = mkdtempSync(join(tmpdir(), 'mae-check-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
function put(name: string, content: object | string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  const isRaw = typeof content === 'string' || content instanceof Uint8Array;
  writeFileSync(path, isRaw ? content : JSON.stringify(content));
  return path;
}

let good: Buffer;
beforeAll(async () => {
  // Left half red, right half blue.
  const pixels = Uint8Array.from({ length: 20 * 10 * 3 }, (_, i) =>
    i % 60 < 30 ? (i % 3 === 0 ? 255 : 0) : i % 3 === 2 ? 255 : 0,
  );
  good = await sharp(pixels, { raw: { width: 20, height: 10, channels: 3 } })
    .png()
    .toBuffer();
});

const image = (id: number, fields: object = {}): object => ({
  id,
  file_name: `${id}.png`,
  width: 20,
  height: 10,
  ...fields,
});
const annotation = (id: number, fields: object = {}): object => ({
  id,
  image_id: 1,
  category_id: 1,
  bbox: [1, 1, 8, 8],
  area: 64,
  iscrowd: 0,
  ...fields,
});

describe('data check', () => {
  it('finds all planted faults', async () => {
    for (const name of ['1', '2', '12', '20']) put(`faulty/images/train/${name}.png`, good);
    for (const name of ['1', 'stray']) put(`faulty/images/val/${name}.png`, good);
    put('faulty/images/train/4.png', 'a text named .png');
    put('faulty/images/train/5.png', good.subarray(0, good.length - 30));
    put('outside.png', good);
    symlinkSync(join(folder, 'outside.png'), join(folder, 'faulty', 'images', 'train', '11.png'));
    const square = [1, 1, 5, 1, 5, 5, 1, 5];
    const text = JSON.stringify({
      images: [
        image(1),
        image(2, { width: 12, height: 20 }),
        image(3),
        image(4),
        image(5),
        image(6, { file_name: '../outside.png' }),
        image(7, { file_name: '1.png' }),
        image(7),
        image(8, { file_name: undefined }),
        image(11),
        image(12, { width: undefined, height: undefined }),
        image(20, { width: -1 }),
      ],
      categories: [{ id: 1, name: 'cat' }, { id: 2 }, { id: 3, name: 'cat' }],
      annotations: [
        annotation(1, { image_id: 99 }),
        annotation(2, { category_id: 99 }),
        annotation(3),
        annotation(3),
        annotation(4, { iscrowd: undefined }),
        annotation(5, { area: undefined }),
        annotation(6, { bbox: [1, 1, 0, 4] }),
        annotation(7, { bbox: [15, 1, 9, 4] }),
        annotation(8, { segmentation: [[1, 2, 3, 4]] }),
        annotation(9, { segmentation: [['NaN', 2, 3, 4, 5, 6]] }),
        annotation(10, { segmentation: { size: [10, 20], counts: [7, 3] } }),
        annotation(11, { segmentation: { size: [20, 10], counts: [200] } }),
        annotation(12, { segmentation: square }),
        annotation(13, { bbox: [1, 2, 3] }),
        annotation(14, { bbox: undefined, segmentation: [square] }),
        annotation(15, { bbox: undefined }),
        annotation(16, { segmentation: 'x' }),
        annotation(17, { image_id: '1' }),
        annotation(18, { iscrowd: 5 }),
        { ...annotation(19), id: undefined },
      ],
    }).replace('"NaN"', 'NaN');
    put('faulty/annotations/instances_train.json', text);
    put('faulty/annotations/instances_val.json', {
      images: [image(1)],
      categories: [{ id: 1, name: 'dog' }],
      annotations: [],
    });
    put('faulty/annotations/instances_test.json', text.slice(0, 500));
    const report = (await checkData(join(folder, 'faulty'), { format: 'coco' })).reports[0]!;
    const planted = [
      'annotation-without-id',
      'area-missing',
      'box-invalid',
      'box-missing',
      'box-outside-image',
      'box-without-area',
      'broken-rle',
      'categories-differ',
      'category-without-name',
      'coordinate-not-finite',
      'duplicate-annotation-id',
      'duplicate-image-id',
      'empty-segmentation',
      'flat-polygon',
      'ids-as-text',
      'image-size-invalid',
      'image-size-missing',
      'image-without-file-name',
      'iscrowd-invalid',
      'iscrowd-missing',
      'link-not-followed',
      'no-box',
      'orphan-annotation',
      'path-escapes',
      'picture-listed-twice',
      'picture-missing',
      'picture-not-listed',
      'picture-size-differs',
      'picture-unreadable',
      'polygon-part-too-short',
      'rle-size-differs',
      'segmentation-of-unknown-form',
      'shared-category-name',
      'split-unusable',
      'unknown-category',
    ];
    expect(Object.keys(report.counts).sort()).toEqual(planted);
    expect(report.counts['picture-unreadable']).toBe(2);
    expect(report.counts['path-escapes']).toBe(2);
    expect(report.ok).toBe(false);
    expect(report.numErrors).toBeGreaterThan(15);
    for (const { file, subject, problem, action } of report.faults) {
      expect([file, subject, problem, action].every((part) => part !== '')).toBe(true);
    }
    expect(report.lines.find((line) => line.includes('annotation 9:'))).toMatch(/instances_train\.json.*NaN/);
  });

  it('is content with a clean folder, and mentions a picture of two splits', async () => {
    for (const split of ['train', 'val']) {
      put(`clean/annotations/instances_${split}.json`, {
        images: [image(1)],
        categories: [{ id: 1, name: 'cat' }],
        annotations: [annotation(1)],
      });
      put(`clean/images/${split}/1.png`, good);
    }
    const report = (await checkData(join(folder, 'clean'), { format: 'coco' })).reports[0]!;
    expect(report).toMatchObject({ ok: true, numErrors: 0, numWarnings: 0, faults: [] });
    expect(report.checked).toEqual({ files: 2, pictures: 2, annotations: 2 });
  });
});

describe('on a small data set', () => {
  const path = join(folder, 'small');
  beforeAll(() => {
    put('small/annotations.json', {
      info: { year: 2024 },
      images: [1, 2, 3, 4].map((id) => image(id, { license: id })),
      categories: [
        { id: 1, name: 'red/one' },
        { id: 5, name: 'blue' },
      ],
      annotations: [
        annotation(1, { bbox: [0, 0, 10, 10], keypoints: [1, 2, 3] }),
        annotation(2, { bbox: [10, 0, 10, 10], category_id: 5 }),
        annotation(3, { bbox: [0, 0, 20, 10], category_id: 5, iscrowd: 1 }),
        annotation(4, { image_id: 3, bbox: [0, 0, 2, 10] }),
      ],
    });
    for (const id of [1, 2, 3, 4]) put(`small/${id}.png`, good);
  });

  it('stats count', () => {
    const stats = cocoStats(cocoDataset(path).annotations);
    expect(stats).toMatchObject({
      images: 4,
      imagesWithoutAnnotations: 2,
      annotations: 4,
      crowds: 1,
      byKind: { polygons: 0, runs: 0, boxesOnly: 4 },
      objectsPerImage: { min: 0, median: 0.5, mean: 1, max: 3 },
      categories: [
        { id: 1, instances: 2, images: 2 },
        { id: 5, instances: 2, images: 1 },
      ],
    });
  });

  it('crop writes a folder of classes', async () => {
    const out = join(folder, 'crops');
    const result = await cropBoxes(cocoDataset(path), out);
    expect(result).toEqual({ written: { red_one: 1, blue: 1 }, leftOut: 2, warnings: [] });
    expect((await listFiles(out)).files).toEqual(['blue/1-2.png', 'red_one/1-1.png']);
    const blue = await decodeImage({ kind: 'file', path: join(out, 'blue', '1-2.png') });
    expect([blue.width, blue.height, ...blue.data.subarray(0, 3)]).toEqual([10, 10, 0, 0, 255]);
  });

  it('split keeps every entry whole, on one side', async () => {
    const sides = { train: join(folder, 'out', 'train.json'), val: join(folder, 'out', 'val.json') };
    const options = { fraction: 0.25, random: createRandom(4), ...sides };
    const file = join(path, 'annotations.json');
    const result = await splitCoco(file, options);
    expect([result.train.images, result.val.images]).toEqual([3, 1]);
    expect(result.train.annotations + result.val.annotations).toBe(4);
    const train = loadCoco(sides.train);
    const val = loadCoco(sides.val);
    expect([...train.annotations.images.ids, ...val.annotations.images.ids].sort()).toEqual([1, 2, 3, 4]);
    expect(train.warnings).toEqual([]);
    expect(await splitCoco(file, options)).toEqual(result);
    await expect(splitCoco(file, { ...options, fraction: 1 })).rejects.toThrow(/fraction/);
  });

  it('a sheet is drawn', async () => {
    const png = await annotationSheetPng(cocoDataset(path), {
      count: 3,
      columns: 2,
      random: createRandom(1),
      side: 60,
    });
    const { width, height } = await sharp(png).metadata();
    expect(width).toBeGreaterThan(120);
    expect(height).toBeGreaterThan(60);
  });
});
