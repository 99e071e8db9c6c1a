import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataReaders } from '#core/data/readers/core-readers.js';
import { foreignLayout } from '#core/data/readers/foreign-layouts.js';
import { findReader } from '#core/data/readers/open-dataset.js';
import { checkData } from '#core/data/tools/check-data.js';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-foreign-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, content = ''): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

const BOX = '0 0.5 0.5 0.1 0.1\n';

describe('layouts of other tools', () => {
  it.each([
    ['images/train and labels/train', ['images/train/a.jpg', 'labels/train/a.txt'], 'labels/train/a.txt'],
    ['train/images and train/labels', ['train/images/a.jpg', 'train/labels/a.txt'], 'train/labels/a.txt'],
    ['images and labels', ['images/a.jpg', 'labels/a.txt'], 'labels/a.txt'],
  ])('YOLO’s %s is told by a text', async (_, files, reason) => {
    for (const file of files) put(file, file.endsWith('.txt') ? BOX : '');
    expect(foreignLayout(folder)).toMatchObject({ name: 'YOLO', reason });
    const command = `mae-tasks data convert ${folder} --from yolo`;
    await expect(findReader(folder, dataReaders, undefined, ['coco'])).rejects.toThrow(command);
    await expect(checkData(folder)).rejects.toThrow(command);
    // Pictures alone are wanted of it: they are read as they are.
    expect((await findReader(folder, dataReaders)).name).toBe('folder');
  });

  it('VOC’s is told by the content of an annotation', async () => {
    put('JPEGImages/a.jpg');
    put('Annotations/a.xml', '<annotation><filename>a.jpg</filename></annotation>');
    await expect(findReader(folder, dataReaders, undefined, ['coco'])).rejects.toThrow(
      `this is a Pascal VOC data set (by Annotations/a.xml), which is not read as it is — ${folder} — convert it`,
    );
    put('Annotations/a.xml', '<html/>');
    expect(foreignLayout(folder)).toBeUndefined();
  });

  it('quotes a path for the shell', () => {
    put("it's mine/labels/train/a.txt", BOX);
    const path = join(folder, "it's mine");
    expect(foreignLayout(path)!.command).toBe(
      `mae-tasks data convert '${path.replace("'", String.raw`'\''`)}' --from yolo`,
    );
  });

  it('are not seen in folders of pictures with other texts, nor in index maps', async () => {
    put('train/cats/a.jpg');
    put('train/labels/readme.txt', 'These are cats.\n');
    expect(foreignLayout(folder)).toBeUndefined();
    put('maps/images/train/a.jpg');
    put('maps/labels/train/a.png');
    const maps = join(folder, 'maps');
    expect(foreignLayout(maps)).toBeUndefined();
    expect((await findReader(maps, dataReaders, undefined, ['ade20k'])).name).toBe('ade20k');
    expect(foreignLayout(join(folder, 'missing'))).toBeUndefined();
  });

  it('that were converted are COCO', async () => {
    put('images/train/a.jpg');
    put('labels/train/a.txt', BOX);
    put('annotations/instances_train.json', '{}');
    expect((await findReader(folder, dataReaders, undefined, ['coco'])).name).toBe('coco');
  });
});
