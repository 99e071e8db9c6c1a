import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { annotationMask } from '#core/data/coco/annotations.js';
import { cocoSplits, locateCoco } from '#core/data/readers/coco-layout.js';
import { type CocoDataset, cocoDataset, cocoReader, instancesOfImage } from '#core/data/readers/coco-instances.js';
import { cocoSemanticReader, semanticClassNames } from '#core/data/readers/coco-semantic.js';
import { ade20kReader } from '#core/data/readers/ade20k.js';
import { type LabelMap, readLabelMap } from '#core/data/targets/label-map.js';
import { labelMapPng } from '#core/data/targets/label-map-png.js';
import { instanceLabels, type InstanceLabelOptions } from '#core/data/targets/instance-labels.js';
import { loadInstances } from '#core/data/targets/instance-target.js';
import { createPipeline } from '#core/data/transforms/pipeline.js';
import { createRandom } from '#core/base/random.js';

const folder = mkdtempSync(join(tmpdir(), 'mae-reader-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
function put(name: string, content: object | string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content));
  return path;
}
const file = (fileName: string, annotations: object[] = []): object => ({
  images: [{ id: 1, file_name: fileName, width: 10, height: 8 }],
  categories: [{ id: 4, name: 'cat' }],
  annotations,
});
/** The classes of a picture's pixels. */
function labelsOf(
  { annotations }: Pick<CocoDataset, 'annotations'>,
  image: number,
  options: InstanceLabelOptions = {},
) {
  const size = { width: annotations.images.widths[image]!, height: annotations.images.heights[image]! };
  return instanceLabels(instancesOfImage(annotations, image), size, options).labels;
}
const object = { id: 1, image_id: 1, category_id: 4, bbox: [2, 3, 4, 2], area: 8, iscrowd: 0 };

describe('layouts', () => {
  it.each([
    ['official', 'annotations/instances_val2017.json', 'val2017/a.jpg', 'val'],
    ['tidy', 'annotations/instances_val.json', 'images/val/a.jpg', 'val'],
    ['roboflow', 'valid/_annotations.coco.json', 'valid/a.jpg', 'val'],
    ['plain', 'val.json', 'images/a.jpg', 'val'],
    ['whole', 'annotations.json', 'a.jpg', undefined],
    ['fiftyone', 'labels.json', 'data/a.jpg', undefined],
  ])('%s', (root, annotations, picture, split) => {
    put(`${root}/${annotations}`, file('a.jpg', [object]));
    const path = put(`${root}/${picture}`, 'picture');
    const data = cocoDataset(join(folder, root), split === undefined ? {} : { split });
    expect(data.size).toBe(1);
    expect(data.item(0)).toMatchObject({ id: 'a.jpg', image: { kind: 'file', path } });
    expect([...data.item(0).target!.boxes]).toEqual([2, 3, 6, 5]);
    expect(data.classNames).toEqual(['cat']);
  });

  it('names splits, train first, and what is missing', async () => {
    put('both/annotations/instances_val.json', file('a.jpg'));
    put('both/annotations/instances_train.json', file('a.jpg'));
    expect(cocoSplits(join(folder, 'both'))).toEqual(['train', 'val']);
    expect(await cocoReader.recognizes(folder)).toBe(false);
    expect(() => locateCoco(join(folder, 'both'), { split: 'test' })).toThrow(
      /no annotations of the split "test".*train, val/,
    );
    expect(() => locateCoco(folder)).toThrow(/no annotation file/);
    expect(() => cocoDataset(join(folder, 'both'), { emptyImages: 'skip' })).toThrow(/no picture has an object/);
    await expect(cocoReader.open(join(folder, 'both'), { emptyImages: 'drop' })).rejects.toThrow(/emptyImages/);
  });

  it('keeps boxes without area for scoring but not for training', () => {
    put('empty/a.jpg', 'picture');
    put('empty/annotations.json', file('a.jpg', [{ ...object, bbox: [1, 1, 0, 5] }]));
    const data = cocoDataset(join(folder, 'empty'));
    const target = data.item(0).target!;
    expect(target.classes).toHaveLength(1);
    expect(loadInstances(target, { width: target.width, height: target.height, id: 'a.jpg' }).classes).toHaveLength(0);
    expect(instanceLabels(target, target).labels.every((value) => value === 0)).toBe(true);
    expect(data.annotations.size).toBe(1);
    expect(data.warnings.join()).toMatch(/annotation 1: its box is 0 × 5/);
  });
});

describe('paths', () => {
  it.each(['../secret.jpg', '/etc/passwd', 'a/../../b.jpg', 'C:\\x.jpg', '..\\x.jpg', '\\\\host\\x.jpg', 'a\0.jpg'])(
    '%j does not leave the folder',
    (name) => {
      put('escape/annotations.json', file(name));
      expect(() => cocoDataset(join(folder, 'escape'))).toThrow(expect.objectContaining({ code: 'PATH_ESCAPES' }));
      expect(() => cocoDataset(join(folder, 'escape'))).toThrow(/image 1: .*annotations\.json/);
    },
  );

  it('a link out of the folder is no way either', () => {
    put('outside/x.jpg', 'secret');
    put('links/annotations.json', file('images/x.jpg'));
    symlinkSync(join(folder, 'outside'), join(folder, 'links', 'images'));
    const open = (options: object) => cocoDataset(join(folder, 'links'), { images: '.', ...options });
    expect(() => open({})).toThrow(expect.objectContaining({ code: 'PATH_ESCAPES' }));
    expect(() => open({})).toThrow(/image 1: .*leads out of the data set.*--follow-links/);
    expect(open({ followLinks: true }).item(0).image).toMatchObject({ path: join(folder, 'links', 'images', 'x.jpg') });
  });
});

describe('semantic masks from instances', () => {
  it('put small objects on top', () => {
    const square = (x: number, size: number): number[][] => [[x, x, x + size, x, x + size, x + size, x, x + size]];
    put('semantic/a.jpg', 'picture');
    put('semantic/annotations.json', {
      images: [{ id: 1, file_name: 'a.jpg', width: 6, height: 6 }],
      categories: [
        { id: 4, name: 'cat' },
        { id: 2, name: 'sofa' },
      ],
      annotations: [
        { ...object, id: 1, category_id: 4, area: 4, segmentation: square(2, 2) },
        { ...object, id: 2, category_id: 2, area: 16, segmentation: square(1, 4) },
      ],
    });
    const { annotations } = cocoDataset(join(folder, 'semantic'));
    expect(semanticClassNames(annotations)).toEqual(['background', 'sofa', 'cat']);
    const labels = labelsOf({ annotations }, 0);
    expect([...labels.subarray(6, 24)]).toEqual([0, 1, 1, 1, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0]);
    expect(labelsOf({ annotations }, 0, { background: 'ignore' })[0]).toBe(255);
    expect(() => labelsOf({ annotations }, 0, { ignoreIndex: 2 })).toThrow(/class 1 does not fit/);
  });

  it('are a data set of their own, through the pipeline', async () => {
    const data = await cocoSemanticReader.open(join(folder, 'semantic'));
    expect(data.classNames).toEqual(['background', 'sofa', 'cat']);
    const pipeline = await createPipeline({
      transforms: [{ name: 'horizontalFlip', options: { probability: 1 } }],
      target: { name: 'semantic' },
    });
    const pixels = { kind: 'pixels' as const, data: new Uint8Array(6 * 6 * 3), width: 6, height: 6, channels: 3 };
    const { sample } = await pipeline({ ...data.item(0), image: pixels }, createRandom(0));
    expect([...(sample.target as LabelMap).labels.subarray(12, 18)]).toEqual([0, 1, 2, 2, 1, 0]);
    const wrong = { ...pixels, data: new Uint8Array(6 * 5 * 3), height: 5 };
    await expect(pipeline({ ...data.item(0), image: wrong }, createRandom(0))).rejects.toThrow(/6 × 5.*6 × 6/);
  });
});

describe('objects as COCO and as ADE20K maps', () => {
  const [width, height] = [40, 30];
  const random = createRandom(5);
  // Rectangles on whole pixels, painted from the largest to the smallest; the COCO file lists them in another order.
  const rectangles = Array.from({ length: 12 }, (_, index) => {
    const [w, h] = [26 - 2 * index + random.integer(2), 20 - index];
    return { id: index + 1, x: random.integer(width - w + 1), y: random.integer(height - h + 1), w, h };
  });
  const categoryOf = (id: number): number => 1 + (id % 3);
  const painted = new Uint8Array(width * height);
  for (const { id, x, y, w, h } of rectangles) {
    for (let row = y; row < y + h; row++) painted.fill(categoryOf(id), row * width + x, row * width + x + w);
  }

  it('have the same pixels', async () => {
    put('two-ways/annotations.json', {
      images: [{ id: 1, file_name: 'a.jpg', width, height }],
      categories: [1, 2, 3].map((id) => ({ id, name: `class ${id}` })),
      annotations: Array.from(random.permutation(rectangles.length), (place) => {
        const { id, x, y, w, h } = rectangles[place]!;
        return {
          ...{ id, image_id: 1, category_id: categoryOf(id), bbox: [x, y, w, h], area: w * h, iscrowd: 0 },
          segmentation: [[x, y, x + w, y, x + w, y + h, x, y + h]],
        };
      }),
    });
    put('two-ways/classes.txt', 'background\nclass 1\nclass 2\nclass 3\n');
    put('two-ways/images/training/a.jpg', 'picture');
    put('two-ways/annotations/training/a.png', labelMapPng({ width, height, labels: painted }));
    const { annotations } = cocoDataset(join(folder, 'two-ways'), { annotations: 'annotations.json' });
    const maps = await ade20kReader.open(join(folder, 'two-ways'), { split: 'train' });
    expect(maps.classNames).toEqual(semanticClassNames(annotations));
    const { path } = maps.item(0).target as { path: string };
    expect(new Set(painted).size).toBe(4);
    expect(labelsOf({ annotations }, 0)).toEqual(painted);
    expect(readLabelMap(path).labels).toEqual(painted);
    const areas = Array.from(annotations.ids, (_, index) =>
      annotationMask(annotations, index).reduce((sum, value) => sum + value, 0),
    );
    expect(areas).toEqual([...annotations.areas]);
  });
});
