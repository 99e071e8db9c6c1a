import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSettings } from '#core/base/check-settings.js';
import { isCocoDataset } from '#core/data/readers/coco-instances.js';
import { dataReaders } from '#core/data/readers/core-readers.js';
import { isInstances, loadInstances } from '#core/data/targets/instance-target.js';
import { labelMapPng } from '#core/data/targets/label-map-png.js';
import { checkData } from '#core/data/tools/check-data.js';
import { openTrainingData, type OpenedPictures } from '#core/train/inputs/open-training-data.js';
import { dataSettings } from '#core/train/settings/data-settings.js';

// Files as people's tools write them, and what the same look at them gives a check and a training.

const root = mkdtempSync(join(tmpdir(), 'mae-real-files-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

function put(path: string, content: string | Uint8Array | object = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  const isRaw = typeof content === 'string' || content instanceof Uint8Array;
  writeFileSync(join(root, path), isRaw ? content : JSON.stringify(content));
}

const [width, height] = [96, 64];
let jpeg: Buffer;
let turnedJpeg: Buffer;
beforeAll(async () => {
  const made = sharp({ create: { width, height, channels: 3, background: 'teal' } }).jpeg();
  jpeg = await made.toBuffer();
  // Stored lying, shown standing.
  turnedJpeg = await sharp(jpeg).withMetadata({ orientation: 6 }).toBuffer();
});

/** Boxes `[x, y, width, height]` in pixels, two a picture. */
const BOXES = [
  [10, 8, 30, 20],
  [50, 30, 40, 30],
  [5, 40, 20, 16],
  [60, 4, 30, 40],
  [20, 20, 60, 40],
  [70, 10, 20, 50],
] as const;
type Quad = readonly [number, number, number, number];

interface CocoText {
  readonly name?: (index: number) => string | undefined;
  readonly box?: (box: Quad) => readonly number[];
  readonly outlines?: boolean;
  readonly areas?: boolean;
  readonly annotation?: (index: number) => object;
  readonly image?: (index: number) => object;
  readonly categories?: readonly object[];
}

/** A COCO file of three pictures with two objects each. */
function coco({ name = (index) => `${index}.jpg`, box = (each) => each, outlines = true, ...rest }: CocoText = {}) {
  const corner = ([x, y, w, h]: Quad) => [[x, y, x + w, y, x + w, y + h, x, y + h]];
  return {
    images: [0, 1, 2].map((index) => ({
      id: index + 1,
      file_name: name(index),
      width,
      height,
      ...rest.image?.(index),
    })),
    categories: rest.categories ?? [
      { id: 1, name: 'box' },
      { id: 2, name: 'can' },
    ],
    annotations: BOXES.map((each, index) => ({
      ...{ id: index + 1, image_id: 1 + (index >> 1), category_id: 1 + (index % 2), iscrowd: 0 },
      bbox: box(each),
      area: rest.areas === false ? 1 : each[2] * each[3],
      ...(outlines ? { segmentation: corner(each) } : {}),
      ...rest.annotation?.(index),
    })),
  };
}

function putPictures(folder: string, names: readonly string[], bytes: Uint8Array = jpeg): void {
  for (const name of names) put(`${folder}/${name}`, bytes);
}

const THREE = ['0.jpg', '1.jpg', '2.jpg'];

interface Seen {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** What training throws, or undefined. */
  readonly thrown: Error | undefined;
  readonly opened: OpenedPictures | undefined;
}

/** What a check finds and what a training does with the same data. */
async function look(path: string, settings: object = {}, format?: string): Promise<Seen> {
  const place = join(root, path);
  const { followLinks = false, ...layout } = settings as { followLinks?: boolean };
  const { reports } = await checkData(place, { layout, followLinks, ...(format === undefined ? {} : { format }) });
  const faults = reports.flatMap((report) => report.faults);
  const text = ({ subject, problem, action }: (typeof faults)[number]) => `${subject}: ${problem} — ${action}`;
  let thrown: Error | undefined;
  let opened: OpenedPictures | undefined;
  try {
    const data = checkSettings(dataSettings, { path: place, ...settings, ...(format === undefined ? {} : { format }) });
    opened = await openTrainingData(data, dataReaders, 0);
  } catch (error) {
    thrown = error as Error;
  }
  return {
    errors: faults.filter(({ severity }) => severity === 'error').map(text),
    warnings: faults.filter(({ severity }) => severity === 'warning').map(text),
    thrown,
    opened,
  };
}

/** A check's error is what training stops with, in the same words. */
async function expectRefused(path: string, words: RegExp, settings: object = {}, format?: string): Promise<void> {
  const { errors, thrown } = await look(path, settings, format);
  expect(errors.join('\n')).toMatch(words);
  expect(thrown?.name).toBe('MaeError');
  expect(thrown?.message).toMatch(words);
}

/** A check without errors is a training that begins, with the same warnings. */
async function expectUsed(
  path: string,
  settings: object = {},
  format?: string,
): Promise<Pick<OpenedPictures, 'train' | 'heldOut'> & Seen> {
  const seen = await look(path, settings, format);
  expect(seen.errors).toEqual([]);
  if (seen.thrown !== undefined) throw seen.thrown;
  const { train, heldOut } = seen.opened!;
  return { ...seen, train, heldOut };
}

describe('boxes of another form than COCO’s', () => {
  const corners = ([x, y, w, h]: Quad) => [x, y, x + w, y + h];
  it.each<[string, CocoText, RegExp]>([
    ['shares', { box: ([x, y, w, h]) => [x / width, y / height, w / width, h / height] }, /between 0 and 1 \(6 of 6\)/],
    ['shares of corners', { box: (box) => corners(box).map((v, i) => v / [width, height][i % 2]!) }, /between 0 and 1/],
    ['corners, by outlines', { box: corners }, /are corners .*around their outlines so \(6 of 6\)/],
    ['corners, by areas', { box: corners, outlines: false }, /are corners .*their areas say so/],
    ['corners, by edges', { box: corners, outlines: false, areas: false }, /are corners .*all 6 fit/],
    ['middles', { box: ([x, y, w, h]) => [x + w / 2, y + h / 2, w, h] }, /are middles and sizes/],
    ['rows first', { box: ([x, y, w, h]) => [y, x, h, w] }, /are rows before columns/],
    ['crowds', { annotation: () => ({ iscrowd: 1 }) }, /iscrowd 1 of all its 6/],
  ])('%s are refused once, as a whole', async (name, text, words) => {
    const folder = `forms/${name}`;
    put(`${folder}/result.json`, coco(text));
    putPictures(`${folder}/images`, THREE);
    await expectRefused(folder, words);
    const { errors } = await look(folder);
    expect(errors).toHaveLength(1);
  });

  it('and COCO’s own are not, also where some pass the edge', async () => {
    put('forms/plain/result.json', coco({ box: ([x, y, w, h]) => [x, y, w + 40, h], outlines: false }));
    putPictures('forms/plain/images', THREE);
    const { warnings } = await expectUsed('forms/plain');
    expect(warnings.join('\n')).toMatch(/passes the edge/);
  });
});

describe('names of pictures', () => {
  it.each<[string, (index: number) => string | undefined, object?]>([
    ['backslashes', (index) => `images\\${index}.jpg`],
    ['paths of another machine', (index) => `..\\..\\media\\upload\\4\\${index}.jpg`],
    ['absolute paths', (index) => `/home/ann/photos/${index}.jpg`],
    ['drives', (index) => `C:\\photos\\${index}.jpg`],
    ['URLs', (index) => `https://labels.example.org/data/upload/3/${index}.jpg?token=a`],
    ['local files of a label tool', (index) => `/data/local-files/?d=upload%2F${index}.jpg`],
    ['percent-encoding', (index) => `images/%3${index}.jpg`],
    ['another case', (index) => `IMAGES/${index}.JPG`],
    ['one folder deeper', (index) => `1/${index}.jpg`],
  ])('%s: the only picture of that name inside the data set is taken, and said once', async (name, fileName) => {
    const folder = `names/${name}`;
    put(`${folder}/result.json`, coco({ name: fileName }));
    putPictures(`${folder}/images`, THREE);
    const { warnings, train, opened } = await expectUsed(folder);
    expect(train.size).toBe(3);
    expect(opened!.warnings.join('\n')).toContain(warnings.find((line) => line.startsWith('3 pictures')));
    expect(train.item(0).image).toMatchObject({ path: join(root, folder, 'images', '0.jpg') });
    expect(warnings.filter((line) => line.startsWith('3 pictures: are not where file_name says'))).toHaveLength(1);
  });

  it('in Unicode’s other form are the same', async () => {
    const name = (index: number) => `größe ${index}.jpg`;
    put('names/nfc/result.json', coco({ name: (index) => name(index).normalize('NFC') }));
    putPictures(
      'names/nfc/images',
      [0, 1, 2].map((index) => name(index).normalize('NFD')),
    );
    expect((await expectUsed('names/nfc')).train.size).toBe(3);
  });

  it('that several pictures have are refused', async () => {
    put('names/two/result.json', coco({ name: (index) => `gone/${index}.jpg` }));
    putPictures('names/two/a', THREE);
    putPictures('names/two/b', THREE);
    await expectRefused('names/two', /image 1: its picture gone\/0\.jpg is not there, and 2 pictures have that name/);
  });

  it('that become one picture are refused', async () => {
    put('names/merged/result.json', coco({ name: (index) => `${index}/x.jpg` }));
    putPictures('names/merged/images', ['x.jpg']);
    await expectRefused('names/merged', /image 2: its picture 1\/x\.jpg is not there, and .* is 0\/x\.jpg already/);
  });

  it('are those of coco_url where there is no file_name', async () => {
    const image = (index: number) => ({ coco_url: `http://images.example.org/val2017/${index}.jpg` });
    put('names/url/result.json', coco({ name: () => undefined, image }));
    putPictures('names/url/images', THREE);
    const { train, warnings } = await expectUsed('names/url');
    expect(train.size).toBe(3);
    expect(warnings.join('\n')).toMatch(/image 1: has no file_name/);
  });

  it('never lead out of the data set', async () => {
    put('names/secret.jpg', jpeg);
    put('names/out/result.json', coco({ name: () => '../secret.jpg' }));
    putPictures('names/out/images', THREE);
    await expectRefused('names/out', /leads out of the folder of pictures/);
  });

  it('of pictures that are not there are left out and counted, up to the limit', async () => {
    put('names/gone/result.json', coco());
    putPictures('names/gone/images', ['0.jpg', '2.jpg']);
    const { train, warnings } = await expectUsed('names/gone');
    expect(train.size).toBe(2);
    expect(warnings.join('\n')).toMatch(/image 2: its picture 1\.jpg is not in/);
    rmSync(join(root, 'names/gone/images'), { recursive: true });
    mkdirSync(join(root, 'names/gone/images'));
    await expectRefused('names/gone', /lists 3 pictures and none of them is there/);
  });
});

describe('links', () => {
  it.each(['images', 'each'])('%s out of the data set are followed where that is allowed', async (kind) => {
    const folder = `links/${kind}`;
    putPictures('links/pool', THREE);
    put(`${folder}/result.json`, coco());
    if (kind === 'images') symlinkSync(join(root, 'links/pool'), join(root, folder, 'images'));
    else {
      mkdirSync(join(root, folder, 'images'));
      for (const name of THREE) symlinkSync(join(root, 'links/pool', name), join(root, folder, 'images', name));
    }
    await expectRefused(folder, /leads out of the data set.*--follow-links/);
    expect((await expectUsed(folder, { followLinks: true })).train.size).toBe(3);
  });

  it('of class folders too, and never round in a circle', async () => {
    putPictures('links/cats', THREE);
    mkdirSync(join(root, 'links/animals'));
    for (const name of ['cat', 'dog']) symlinkSync(join(root, 'links/cats'), join(root, 'links/animals', name));
    symlinkSync(join(root, 'links/animals'), join(root, 'links/cats/loop'));
    await expectRefused('links/animals', /leads out of the data set.*--follow-links/);
    const { train } = await expectUsed('links/animals', { followLinks: true });
    expect(train.classNames).toEqual(['cat', 'dog']);
    expect(train.size).toBe(6);
  });
});

describe('splits', () => {
  it.each([
    ['train', 'val', 'test'],
    ['Train', 'Validation', 'Test'],
    ['TRAINING', 'valid', 'testing'],
    ['training', 'dev', 'test'],
  ])('%s, %s and %s are the same to every reader', async (train, val, test) => {
    const folder = `splits/${train}-${val}`;
    for (const [split, count] of [
      [train, 3],
      [val, 2],
      [test, 1],
    ] as const) {
      const names = THREE.slice(0, count);
      for (const name of ['apple', 'pear']) putPictures(`${folder}/classes/${split}/${name}`, names);
      put(`${folder}/cvat/annotations/instances_${split}.json`, {
        ...coco(),
        images: coco().images.slice(0, count),
        annotations: coco().annotations.slice(0, 2 * count),
      });
      putPictures(`${folder}/cvat/images/${split}`, names);
      for (const name of names) put(`${folder}/maps/masks/${split}/${name.replace('jpg', 'png')}`, map([0, 1]));
      putPictures(`${folder}/maps/images/${split}`, names);
    }
    put(`${folder}/maps/classes.txt`, 'ground\nbox\n');
    for (const [layout, size] of [
      ['classes', 6],
      ['cvat', 3],
      ['maps', 3],
    ] as const) {
      const { opened } = await expectUsed(`${folder}/${layout}`);
      expect([layout, opened!.train.size, opened!.heldOut?.size]).toEqual([layout, size, (2 * size) / 3]);
      expect(opened!.heldOutBy).toBe("the data's own val split");
    }
  });

  it('without one for training end the training, naming them', async () => {
    for (const split of ['Test', 'Validation']) {
      put(`splits/none/annotations/instances_${split}.json`, coco());
      putPictures(`splits/none/images/${split}`, THREE);
      putPictures(`splits/folders/${split}/apple`, THREE);
    }
    for (const folder of ['splits/none', 'splits/folders']) {
      const { thrown, warnings } = await look(folder);
      expect(thrown?.message).toMatch(
        /none of the splits is for training \(there is (val, test|Validation, Test)\).*data\.split/,
      );
      expect(warnings.join('\n')).toMatch(/none of the splits is for training/);
      const data = checkSettings(dataSettings, { path: join(root, folder), split: 'Test' });
      expect((await openTrainingData(data, dataReaders, 0)).train.size).toBe(3);
    }
  });

  it('of two years are told apart', async () => {
    for (const year of [2014, 2017]) {
      for (const split of ['train', 'val']) put(`splits/years/annotations/instances_${split}${year}.json`, coco());
    }
    for (const split of ['train2017', 'val2017']) putPictures(`splits/years/${split}`, THREE);
    const { thrown } = await look('splits/years');
    expect(thrown?.message).toMatch(/2 annotation files of the split "train".*data\.split.*train2014, train2017/);
    const data = checkSettings(dataSettings, { path: join(root, 'splits/years'), split: 'train2017' });
    const { train, heldOut } = await openTrainingData(data, dataReaders, 0);
    expect([train.name, heldOut?.name].map((name) => name?.replace(/.*instances_/, ''))).toEqual([
      'train2017.json',
      'val2017.json',
    ]);
  });

  it('are not classes, and classes are not splits', async () => {
    putPictures('splits/toys/train', THREE);
    for (const name of ['bus', 'car']) putPictures(`splits/toys/${name}`, THREE);
    expect((await expectUsed('splits/toys')).train.classNames).toEqual(['bus', 'car', 'train']);
    for (const name of ['apple/train', 'apple/val', 'pear/train']) putPictures(`splits/inside/${name}`, THREE);
    await expectRefused('splits/inside', /apple\/train is called like a split and lies inside another/);
    for (const split of ['Train', 'Val']) putPictures(`splits/wrapped/download/${split}/apple`, THREE);
    expect((await expectUsed('splits/wrapped')).heldOut?.size).toBe(3);
    for (const split of ['val', 'valid']) putPictures(`splits/twice/${split}/apple`, THREE);
    putPictures('splits/twice/train/apple', THREE);
    await expectRefused('splits/twice', /two folders are of the split `val`: val and valid/);
  });

  it('with other classes are refused', async () => {
    put('splits/other/annotations/instances_train.json', coco());
    put(
      'splits/other/annotations/instances_val.json',
      coco({
        categories: [
          { id: 1, name: 'box' },
          { id: 2, name: 'jar' },
        ],
      }),
    );
    for (const split of ['train', 'val']) putPictures(`splits/other/images/${split}`, THREE);
    await expectRefused('splits/other', /has other classes than .*instances_train\.json \(jar\)/);
  });

  it('of VOC are those of its lists', async () => {
    const names = ['a', 'b', 'c'];
    for (const name of names) {
      put(`voc/JPEGImages/${name}.jpg`, jpeg);
      put(`voc/SegmentationClass/${name}.png`, map([0, 1]));
    }
    put('voc/ImageSets/Segmentation/train.txt', 'a\nb\n');
    put('voc/ImageSets/Segmentation/val.txt', 'c\n');
    put('voc/classes.txt', 'ground\nbox\n');
    const { opened } = await expectUsed('voc', {}, 'ade20k');
    const idsOf = (data: OpenedPictures['train']) =>
      Array.from({ length: data.size }, (_, index) => data.item(index).id);
    expect(idsOf(opened!.train)).toEqual(['a.jpg', 'b.jpg']);
    expect(idsOf(opened!.heldOut!)).toEqual(['c.jpg']);
  });
});

/** An index map of the pictures' size, its halves of two values. */
function map([left, right]: readonly [number, number]): Uint8Array {
  const labels = Uint8Array.from({ length: width * height }, (_, i) => (i % width < width / 2 ? left : right));
  return labelMapPng({ width, height, labels });
}

describe('layouts', () => {
  it('are told by contents: texts are no index maps, what archives leave is no class', async () => {
    for (const split of ['train', 'val']) {
      putPictures(`yolo/images/${split}`, THREE);
      for (const name of THREE) put(`yolo/labels/${split}/${name.replace('jpg', 'txt')}`, '0 0.5 0.5 0.1 0.1\n');
    }
    const data = checkSettings(dataSettings, { path: join(root, 'yolo') });
    const { train } = await openTrainingData(data, dataReaders, 0, { labels: false });
    expect([train.size, train.classNames, train.layout]).toEqual([6, undefined, expect.stringMatching(/YOLO/)]);
    put('yolo/annotations/instances_train.json', coco());
    expect((await expectUsed('yolo')).train.layout).toMatch(/COCO/);

    for (const name of ['cat', 'dog']) {
      putPictures(`mac/${name}`, THREE);
      for (const each of THREE) put(`mac/__MACOSX/${name}/._${each}`, 'resource fork');
      put(`mac/${name}/._0.jpg`, 'resource fork');
    }
    expect((await expectUsed('mac')).train.classNames).toEqual(['cat', 'dog']);
    // A list of labels beside classes is no annotation file.
    put('mac/labels.json', { cat: 0, dog: 1 });
    expect((await expectUsed('mac')).train.classNames).toEqual(['cat', 'dog']);
  });

  it('need no faultless labels for pretraining', async () => {
    put('unlabelled/result.json', coco({ box: () => [0.1, 0.1, 0.1, 0.1] }));
    putPictures('unlabelled/images', THREE);
    const data = checkSettings(dataSettings, { path: join(root, 'unlabelled') });
    const { train, warnings } = await openTrainingData(data, dataReaders, 0, { labels: false });
    expect(train.size).toBe(3);
    expect(warnings.join('\n')).toMatch(/1 faults of the labels, which pretraining does not need/);
  });

  it('leave out categories that are only the parent of others', async () => {
    const categories = [
      { id: 0, name: 'parts', supercategory: 'none' },
      { id: 1, name: 'box', supercategory: 'parts' },
      { id: 2, name: 'can', supercategory: 'parts' },
    ];
    put('parent/train/_annotations.coco.json', coco({ categories }));
    putPictures('parent/train', THREE);
    const { train, warnings } = await expectUsed('parent');
    expect(train.classNames).toEqual(['box', 'can']);
    const { target } = train.item(0);
    expect(isInstances(target) && [...target.classes]).toEqual([0, 1]);
    expect(warnings.join('\n')).toMatch(/"parts" is of no object and only the supercategory of others/);
  });
});

describe('index maps as a whole', () => {
  it.each<[string, readonly [number, number], RegExp]>([
    ['0 and 255', [0, 255], /nothing but 0 and 255.*data\.classMap=\{0: background, 255: object\}/],
    ['stretched', [0, 254], /the values 0, 254 for 2 classes.*data\.classMap=\{0: ground, 254: box\}/],
  ])('%s are refused with the map of values that is meant', async (name, values, words) => {
    putPictures(`values/${name}/images/train`, THREE);
    for (const each of THREE) put(`values/${name}/masks/train/${each.replace('jpg', 'png')}`, map(values));
    put(`values/${name}/classes.txt`, 'ground\nbox\n');
    await expectRefused(`values/${name}`, words);
    const classMap = { '0': 'ground', [String(values[1])]: 'box' };
    expect((await expectUsed(`values/${name}`, { classMap })).train.size).toBe(3);
  });

  it('of names with endings say which settings fit', async () => {
    for (const index of [0, 1]) {
      put(`city/images/train/x_${index}_leftImg8bit.png`, map([0, 1]));
      for (const kind of ['labelIds', 'labelTrainIds'])
        put(`city/masks/train/x_${index}_gtFine_${kind}.png`, map([0, 1]));
    }
    await expectRefused('city', /data\.imageSuffix=_leftImg8bit\.png data\.annotationSuffix=_gtFine_labelIds\.png or/);
    const settings = { imageSuffix: '_leftImg8bit.png', annotationSuffix: '_gtFine_labelTrainIds.png', numClasses: 2 };
    expect((await expectUsed('city', settings)).train.size).toBe(2);
  });
});

describe('sizes that EXIF swaps', () => {
  const standing: Quad = [8, 50, 30, 40];
  const lying: Quad = [50, 8, 40, 30];
  const swappedFile = (box: Quad) => coco({ box: () => box, outlines: false });

  it('are taken as swapped where boxes fit the picture as it is shown', async () => {
    put('exif/turned/result.json', swappedFile(standing));
    putPictures('exif/turned/images', THREE, turnedJpeg);
    const { train, warnings } = await expectUsed('exif/turned');
    expect(warnings.join('\n')).toMatch(/3 pictures: width and height are swapped in the file.*used so/);
    const { target } = train.item(0);
    const shown = { width: height, height: width, id: '0.jpg' };
    expect(isInstances(target) && [...loadInstances(target, shown).boxes.subarray(0, 4)]).toEqual([8, 50, 38, 90]);
    const { thrown } = await look('exif/turned', { orient: false });
    expect(thrown?.message).toMatch(/drawn on the turned pictures: leave out/);
  });

  it('are refused where boxes fit the stored picture, with the setting that makes them right', async () => {
    put('exif/stored/result.json', swappedFile(lying));
    putPictures('exif/stored/images', THREE, turnedJpeg);
    await expectRefused('exif/stored', /annotated without the EXIF orientation.*data\.orient`=false/);
    const data = checkSettings(dataSettings, { path: join(root, 'exif/stored'), orient: false });
    expect((await openTrainingData(data, dataReaders, 0)).train.size).toBe(3);
  });

  it('are refused with both causes where boxes fit either', async () => {
    put('exif/either/result.json', swappedFile([5, 5, 20, 20]));
    putPictures('exif/either/images', THREE, turnedJpeg);
    await expectRefused('exif/either', /its sizes are swapped, or it was annotated without the EXIF orientation/);
  });
});

describe('ids', () => {
  it.each<[string, (id: number) => unknown, RegExp]>([
    ['numbers as text', String, /image ids as text, such as "1" — taken as the numbers that they are/],
    ['UUIDs', (id) => `b3c0-${id}f`, /image ids as text, such as "b3c0-1f" — numbered in their order/],
  ])('%s are mapped', async (name, idOf, words) => {
    const text = coco();
    put(`ids/${name}/result.json`, {
      images: text.images.map((image) => ({ ...image, id: idOf(image.id) })),
      categories: text.categories.map((each) => ({ ...each, id: idOf((each as { id: number }).id) })),
      annotations: text.annotations.map((each) => ({
        ...{ ...each, id: idOf(each.id) },
        ...{ image_id: idOf(each.image_id), category_id: idOf(each.category_id) },
      })),
    });
    putPictures(`ids/${name}/images`, THREE);
    const { train, warnings } = await expectUsed(`ids/${name}`);
    expect(warnings.join('\n')).toMatch(words);
    expect(isCocoDataset(train) || train.classIds).toBeTruthy();
    const classes = [0, 1, 2].map((index) => {
      const { target } = train.item(index);
      return isInstances(target) ? [...target.classes] : [];
    });
    expect(classes).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
  });

  it('in two lists of annotations are refused', async () => {
    const text = JSON.stringify(coco());
    put('ids/twice/result.json', `${text.slice(0, -1)}, "annotations": []}`);
    putPictures('ids/twice/images', THREE);
    await expectRefused('ids/twice', /has "annotations" twice/);
    expect(readFileSync(join(root, 'ids/twice/result.json'), 'utf8')).toContain('"annotations": []');
  });
});
