import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSettings } from '#core/base/check-settings.js';
import { dataReaders } from '#core/data/readers/core-readers.js';
import { labelMapPng } from '#core/data/targets/label-map-png.js';
import { describeTrainingData } from '#core/train/inputs/describe-data.js';
import { openSplit, openTrainingData } from '#core/train/inputs/open-training-data.js';
import { dataSettings } from '#core/train/settings/data-settings.js';

const root = mkdtempSync(join(tmpdir(), 'mae-layout-'));
afterAll(() => rmSync(root, { recursive: true }));

function put(path: string, content: string | Uint8Array = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

beforeAll(async () => {
  const picture = await sharp({ create: { width: 4, height: 1, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  for (const [name, count] of [
    ['Fruit/Apple/Red', 6],
    ['Fruit/Apple/Golden', 6],
    ['Fruit/Pear/Anjou', 3],
  ] as const) {
    for (let i = 0; i < count; i++) put(`shop/${name}/${i}.jpg`, picture);
  }
  for (const split of ['train', 'val']) {
    put(`cells/${split}/a.png`, picture);
    put(`cells/${split}annot/a.png`, labelMapPng({ width: 4, height: 1, labels: Uint8Array.of(0, 0, 255, 7) }));
  }
  put('coco/annotations/instances_train.json', JSON.stringify({ images: [], annotations: [], categories: [] }));
});

const open = (settings: object) => openTrainingData(checkSettings(dataSettings, settings), dataReaders, 0);

describe('settings of layouts', () => {
  it('reach the reader of the training and of held-out data', async () => {
    const classMap = { '0': 'background', '255': 'nucleus', '7': null };
    const opened = await open({ path: join(root, 'cells'), classMap });
    expect(opened.train.classNames).toEqual(['background', 'nucleus']);
    expect(opened.heldOut!.classNames).toEqual(['background', 'nucleus']);
    const { train, heldOut, heldOutBy } = await describeTrainingData(opened);
    expect(heldOutBy).toBe("the data's own val split");
    expect(train).toMatchObject({
      layout: 'index maps, train/ with trainannot/',
      classes: [
        { name: 'background', labels: 2 },
        { name: 'nucleus', labels: 1 },
      ],
    });
    expect(heldOut!.pictures).toBe(1);
    // Pretraining opens no maps.
    expect((await describeTrainingData(opened, { countsMaps: false })).train).toMatchObject({
      pictures: 1,
      counted: 0,
    });
  });

  it('say how pictures are held out', async () => {
    const path = join(root, 'shop');
    expect((await open({ path })).heldOutBy).toBeUndefined();
    expect((await open({ path, valFraction: 0.2 })).heldOutBy).toBe('20 % of the pictures, by the seed');
    expect((await open({ path, folds: 3, fold: 1 })).heldOutBy).toBe('part 2 of 3');
    expect((await open({ path, val: path })).heldOutBy).toBe(path);
  });

  it('choose the level of class folders', async () => {
    const path = join(root, 'shop');
    expect((await open({ path })).train.classNames).toEqual(['Apple/Golden', 'Apple/Red', 'Pear/Anjou']);
    const { train } = await open({ path, classLevel: 2, valFraction: 0.2 });
    expect(train.classNames).toEqual(['Apple', 'Pear']);
    const layout = checkSettings(dataSettings, { path, classLevel: 2 });
    expect((await openSplit(path, dataReaders, { layout })).classNames).toEqual(['Apple', 'Pear']);
  });

  it('that say nothing of the layout are refused, naming those that take them', async () => {
    const ignoring = open({ path: join(root, 'shop'), ignoreIndex: 0 });
    await expect(ignoring).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(ignoring).rejects.toThrow(
      /`data\.ignoreIndex` says nothing of data of the format `folder`.*that takes it: ade20k/u,
    );
    await expect(open({ path: join(root, 'coco'), classLevel: 1 })).rejects.toThrow(/takes it: folder/u);
    expect(() => checkSettings(dataSettings, { path: root, classMap: { red: 'a' } })).toThrow(
      /`classMap`.*keys are values of index maps/u,
    );
  });
});
