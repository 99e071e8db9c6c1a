import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foldedName } from '#core/base/folded-name.js';
import { dataReaders } from '#core/data/readers/core-readers.js';
import { cocoDataset } from '#core/data/readers/coco-instances.js';
import { cocoSplits } from '#core/data/readers/coco-layout.js';
import { findReader } from '#core/data/readers/open-dataset.js';
import { checkData } from '#core/data/tools/check-data.js';
import { convertPascalVoc } from '#core/data/tools/convert/pascal-voc.js';
import { convertYolo } from '#core/data/tools/convert/yolo.js';

const folder = mkdtempSync(join(tmpdir(), 'mae-layouts-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
let picture: Buffer;
beforeAll(async () => {
  picture = await sharp({ create: { width: 40, height: 20, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer();
});

/** The files of a data set, texts as given; `picture` stands for one. */
type Layout = Readonly<Record<string, string>>;

function write(name: string, layout: Layout): string {
  const root = join(folder, name);
  for (const [file, content] of Object.entries(layout)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content === 'picture' ? picture : content);
  }
  return root;
}

/** What a converted folder is for those who read it: the pictures of each split with their numbers of objects. */
async function readBack(root: string, files: readonly string[]): Promise<Record<string, Record<string, number>>> {
  const { ok, reports } = await checkData(root);
  expect(reports.flatMap(({ lines }) => lines)).toEqual([]);
  expect(ok).toBe(true);
  // Detection asks for boxes; pretraining takes what there is.
  expect((await findReader(root, dataReaders, undefined, ['coco'])).name).toBe('coco');
  expect((await findReader(root, dataReaders)).name).toBe('coco');
  // Beside what was there, no name that differs by case alone.
  const names = files.map((file) => foldedName(file));
  expect(new Set(names).size).toBe(files.length);
  return Object.fromEntries(
    cocoSplits(root).map((split) => {
      const data = cocoDataset(root, { split });
      expect(data.warnings).toEqual([]);
      const pictures = Array.from({ length: data.size }, (_, index) => {
        const { image, target } = data.item(index);
        const path = image.kind === 'file' ? image.path : '';
        expect(existsSync(path), path).toBe(true);
        return [path.slice(root.length + 1), target!.classes.length] as const;
      });
      return [split, Object.fromEntries(pictures)];
    }),
  );
}

const xml = (
  fileName: string,
  numObjects = 1,
  box = '<xmin>1</xmin><ymin>3</ymin><xmax>10</xmax><ymax>20</ymax>',
): string =>
  `<annotation><filename>${fileName}</filename><size><width>40</width><height>20</height></size>` +
  `<object><name>cat</name><bndbox>${box}</bndbox></object>`.repeat(numObjects) +
  '</annotation>';
const box = '0 0.5 0.5 0.5 0.4\n';

const vocLayouts: Record<string, readonly [Layout, Record<string, Record<string, number>>]> = {
  'the official folders with lists': [
    {
      'Annotations/a.xml': xml('a.jpg'),
      'Annotations/b.xml': xml('b.jpg', 0),
      'Annotations/c.xml': xml('c.jpg'),
      'JPEGImages/a.jpg': 'picture',
      'JPEGImages/b.jpg': 'picture',
      'JPEGImages/c.jpg': 'picture',
      'ImageSets/Main/train.txt': 'a\n',
      'ImageSets/Main/val.txt': 'b\n',
      'ImageSets/Main/trainval.txt': 'a\nb\n',
      'ImageSets/Main/test.txt': 'c\n',
      'ImageSets/Main/cat_train.txt': 'a  1\n',
    },
    { train: { 'JPEGImages/a.jpg': 1 }, val: { 'JPEGImages/b.jpg': 0 }, test: { 'JPEGImages/c.jpg': 1 } },
  ],
  'lists of training and validation together': [
    {
      'Annotations/a.xml': xml('a.jpg'),
      'Annotations/my photo.xml': xml('my photo.jpg'),
      'JPEGImages/a.jpg': 'picture',
      'JPEGImages/my photo.jpg': 'picture',
      'ImageSets/Segmentation/TrainVal.txt': 'a\nmy photo',
      'ImageSets/Segmentation/Val.txt': 'my photo 1\r\n',
    },
    { train: { 'JPEGImages/a.jpg': 1 }, val: { 'JPEGImages/my photo.jpg': 1 } },
  ],
  'several years, with pictures of one name': [
    {
      'VOCdevkit/VOC2007/Annotations/1.xml': xml('1.jpg'),
      'VOCdevkit/VOC2007/JPEGImages/1.jpg': 'picture',
      'VOCdevkit/VOC2007/ImageSets/Main/train.txt': '1',
      'VOCdevkit/VOC2012/Annotations/1.xml': xml('1.jpg', 2),
      'VOCdevkit/VOC2012/JPEGImages/1.jpg': 'picture',
      'VOCdevkit/VOC2012/ImageSets/Main/val.txt': '1',
    },
    {
      train: { 'VOCdevkit/VOC2007/JPEGImages/1.jpg': 1 },
      val: { 'VOCdevkit/VOC2012/JPEGImages/1.jpg': 2 },
    },
  ],
  'texts beside their pictures': [
    { 'a.xml': xml('a.jpg'), 'a.jpg': 'picture', 'b.xml': xml('b.jpg'), 'b.jpg': 'picture' },
    { train: { 'a.jpg': 1, 'b.jpg': 1 } },
  ],
  'texts beside their pictures, by split': [
    {
      'train/a.xml': xml('a.jpg'),
      'train/a.jpg': 'picture',
      'valid/a.xml': xml('a.jpg', 2),
      'valid/a.jpg': 'picture',
    },
    { train: { 'train/a.jpg': 1 }, val: { 'valid/a.jpg': 2 } },
  ],
  'folders called annotations and images': [
    { 'annotations/a.xml': xml('a.jpg'), 'images/a.jpg': 'picture' },
    { train: { 'images/a.jpg': 1 } },
  ],
  'folders by split inside': [
    {
      'Annotations/Train/a.xml': xml('a.jpg'),
      'JPEGImages/Train/a.jpg': 'picture',
      'Annotations/Val/b.xml': xml('b.jpg'),
      'JPEGImages/Val/b.jpg': 'picture',
    },
    { train: { 'JPEGImages/Train/a.jpg': 1 }, val: { 'JPEGImages/Val/b.jpg': 1 } },
  ],
};

describe('Pascal VOC, converted and read', () => {
  it.each(Object.entries(vocLayouts))('%s', async (name, [layout, expected]) => {
    const root = write(`voc ${name}`, layout);
    const { files } = await convertPascalVoc(root);
    expect(await readBack(root, files)).toEqual(expected);
  });

  it('writes no folder that another differs from by case alone', async () => {
    const root = write('case', vocLayouts['the official folders with lists']![0]);
    const { files } = await convertPascalVoc(root);
    expect(files).toEqual(['train', 'val', 'test'].map((split) => join(root, `instances_${split}.json`)));
  });
});

const names = 'names: [cat, dog]\n';
const yoloLayouts: Record<string, readonly [Layout, Record<string, Record<string, number>>]> = {
  'images and labels by split': [
    {
      'data.yaml': `path: ../datasets/pets\ntrain: images/train\nval: images/val\n${names}`,
      'images/train/a.jpg': 'picture',
      'labels/train/a.txt': box,
      'images/val/a.jpg': 'picture',
    },
    { train: { 'images/train/a.jpg': 1 }, val: { 'images/val/a.jpg': 0 } },
  ],
  'splits with images and labels, named from a folder below': [
    {
      'data.yaml': `train: ../train/images\nval: ../valid/images\ntest: ../test/images\n${names}`,
      'train/images/a.jpg': 'picture',
      'train/labels/a.txt': box,
      'valid/images/b.jpg': 'picture',
      'valid/labels/b.txt': box,
    },
    { train: { 'train/images/a.jpg': 1 }, val: { 'valid/images/b.jpg': 1 } },
  ],
  'splits of another machine, in any case': [
    {
      'Data.YAML': `train: C:\\Users\\me\\pets\\Images\\Training\nval: /home/me/pets/Images/Validation/\n${names}`,
      'Images/Training/a.jpg': 'picture',
      'Labels/Training/a.txt': box,
      'Images/Validation/b.jpg': 'picture',
      'Labels/Validation/b.txt': box,
    },
    { train: { 'Images/Training/a.jpg': 1 }, val: { 'Images/Validation/b.jpg': 1 } },
  ],
  'a list of folders, and a list of pictures': [
    {
      'data.yaml': `train: [images/one, images/two]\nval: lists/held-out.txt\n${names}`,
      'lists/held-out.txt': './images/three/c.jpg\n/home/me/pets/images/three/d.jpg\n',
      'images/one/a.jpg': 'picture',
      'labels/one/a.txt': box,
      'images/two/b.jpg': 'picture',
      'labels/two/b.txt': box,
      'images/three/c.jpg': 'picture',
      'labels/three/c.txt': box,
      'images/three/d.jpg': 'picture',
      'labels/three/d.txt': box,
    },
    {
      train: { 'images/one/a.jpg': 1, 'images/two/b.jpg': 1 },
      val: { 'images/three/c.jpg': 1, 'images/three/d.jpg': 1 },
    },
  ],
  "darknet's lists": [
    {
      'obj.names': 'cat\ndog\n',
      'obj.data': 'classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n',
      'train.txt': 'data/obj_train_data/a.jpg\n',
      'valid.txt': 'data/obj_train_data/b.jpg\n',
      'obj_train_data/a.jpg': 'picture',
      'obj_train_data/a.txt': box,
      'obj_train_data/b.jpg': 'picture',
      'obj_train_data/b.txt': box,
    },
    { train: { 'obj_train_data/a.jpg': 1 }, val: { 'obj_train_data/b.jpg': 1 } },
  ],
  'texts beside their pictures': [
    { 'classes.txt': 'cat\r\n', 'a.jpg': 'picture', 'a.txt': box, 'b.jpg': 'picture', 'b.txt': '' },
    { train: { 'a.jpg': 1, 'b.jpg': 0 } },
  ],
  'texts beside their pictures, by split': [
    {
      'train/_darknet.labels': 'cat',
      'train/a.jpg': 'picture',
      'train/a.txt': box,
      'valid/_darknet.labels': 'cat',
      'valid/b.jpg': 'picture',
      'valid/b.txt': box,
    },
    { train: { 'train/a.jpg': 1 }, val: { 'valid/b.jpg': 1 } },
  ],
  'images and labels, no splits, names among the labels': [
    { 'labels/classes.txt': 'cat', 'images/a.jpg': 'picture', 'labels/a.txt': box },
    { train: { 'images/a.jpg': 1 } },
  ],
};

describe('YOLO, converted and read', () => {
  it.each(Object.entries(yoloLayouts))('%s', async (name, [layout, expected]) => {
    const root = write(`yolo ${name}`, layout);
    const { files } = await convertYolo(root);
    expect(await readBack(root, files)).toEqual(expected);
  });

  it('replaces no annotations unless it is asked to', async () => {
    const root = write('twice', yoloLayouts['texts beside their pictures']![0]);
    const file = (await convertYolo(root)).files[0]!;
    writeFileSync(file, 'mine');
    await expect(convertYolo(root)).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    await convertYolo(root, { force: true });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveProperty('categories');
  });
});
