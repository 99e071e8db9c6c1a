import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Dataset } from '#core/contracts/dataset.js';
import { folderReader, imageFolder } from '#core/data/readers/image-folder.js';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-folder-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Empty files: the reader looks at names only. */
function make(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
}

function itemsOf(dataset: Dataset): Array<[string, unknown]> {
  return Array.from({ length: dataset.size }, (_, index) => {
    const { id, target } = dataset.item(index);
    return [id, target];
  });
}

describe('imageFolder', () => {
  it('reads one flat folder, recursively where pictures lie beside folders, without classes', async () => {
    make('b.JPG', 'a.png', 'deep/er/c.webp', '.hidden.png', '.git/d.png');
    const dataset = await imageFolder(folder);
    expect(itemsOf(dataset)).toEqual([
      ['a.png', undefined],
      ['b.JPG', undefined],
      ['deep/er/c.webp', undefined],
    ]);
    expect(dataset.classNames).toBeUndefined();
    expect(dataset.item(2).image).toEqual({ kind: 'file', path: join(folder, 'deep/er/c.webp') });
  });

  it('reads class folders, sorted by code unit, their subfolders belonging to the class', async () => {
    make('b/1.png', 'B/1.png', 'a/sub/2.png', 'a/10.png', 'ä/1.png');
    const dataset = await imageFolder(folder);
    expect(dataset.classNames).toEqual(['B', 'a', 'b', 'ä']);
    expect(itemsOf(dataset)).toEqual([
      ['B/1.png', 0],
      ['a/10.png', 1],
      ['a/sub/2.png', 1],
      ['b/1.png', 2],
      ['ä/1.png', 3],
    ]);
  });

  it('reads train and val, the classes numbered as in train', async () => {
    make('train/cat/1.png', 'train/dog/1.png', 'val/dog/2.png');
    expect(await folderReader.splits!(folder)).toEqual(['train', 'val']);
    expect(itemsOf(await imageFolder(folder))).toHaveLength(2);
    const val = await imageFolder(folder, { split: 'val' });
    expect(val.classNames).toEqual(['cat', 'dog']);
    expect(itemsOf(val)).toEqual([['dog/2.png', 1]]);
  });

  it('refuses a class that the training split does not have', async () => {
    make('train/cat/1.png', 'val/cow/2.png');
    await expect(imageFolder(folder, { split: 'val' })).rejects.toThrow(/class `cow` is not among .* 1 classes/u);
  });

  it('counts what are not pictures by name', async () => {
    make('a.png', 'notes.txt', 'b/labels.csv', 'c.json', 'd.xml');
    const { warnings } = await imageFolder(folder);
    expect(warnings).toEqual([`${folder}, 4 files: no picture by name (b/labels.csv, c.json, d.xml, …) — left out`]);
  });

  it('takes folders for classes or not, as it is told', async () => {
    make('2024/a.png', '2025/b.png');
    expect((await imageFolder(folder, { classes: false })).classNames).toBeUndefined();
    make('loose.png');
    await expect(imageFolder(folder, { classes: true })).rejects.toMatchObject({ code: 'DATA_INVALID' });
  });

  it.each([
    ['a missing folder', 'missing', 'DATA_NOT_FOUND', /no such folder/u],
    ['a file', 'a.png', 'DATA_NOT_FOUND', /not a folder/u],
    ['an empty folder', 'empty', 'DATA_EMPTY', /no pictures in this folder \(it is empty\)/u],
    ['a folder without pictures', 'texts', 'DATA_EMPTY', /1 other files, such as a.txt/u],
    ['a class without pictures', 'classes', 'DATA_INVALID', /no pictures in the class folder cats/u],
  ])('names %s', async (_, name, code, message) => {
    make('a.png', 'texts/a.txt', 'classes/dogs/1.png', 'classes/cats/a.txt');
    mkdirSync(join(folder, 'empty'));
    await expect(imageFolder(join(folder, name))).rejects.toMatchObject({ code });
    await expect(imageFolder(join(folder, name))).rejects.toThrow(message);
    await expect(imageFolder(join(folder, name))).rejects.toThrow(join(folder, name));
  });

  it('names a split that is not there', async () => {
    make('train/a.png');
    await expect(imageFolder(folder, { split: 'val' })).rejects.toThrow(/no split `val` .* it has train/u);
    rmSync(join(folder, 'train'), { recursive: true });
    make('a.png');
    await expect(imageFolder(folder, { split: 'val' })).rejects.toMatchObject({ code: 'DATA_NOT_FOUND' });
    expect((await imageFolder(folder, { split: 'train' })).size).toBe(1);
  });

  it('follows links inside the folder, but refuses those that lead out', async () => {
    make('real/a.png');
    symlinkSync(join(folder, 'real'), join(folder, 'linked'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'broken.png'));
    symlinkSync('..', join(folder, 'real/loop'));
    const dataset = await imageFolder(folder, { classes: false });
    expect(itemsOf(dataset).map(([id]) => id)).toEqual(['linked/a.png', 'real/a.png']);
    expect(dataset.warnings.join('\n')).toMatch(/broken\.png: the link leads nowhere/u);
    expect(dataset.warnings.join('\n')).toMatch(/real\/loop: the link leads back/u);
    symlinkSync('/etc/hostname', join(folder, 'real/out.png'));
    await expect(imageFolder(folder)).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
    await expect(imageFolder(folder)).rejects.toThrow(/(real|linked)\/out\.png/u);
  });

  it('refuses a split that is a link out of the folder, or into a folder of a similar name', async () => {
    make('set/val/a.png', 'set-of-others/a.png');
    symlinkSync(join(folder, 'set-of-others'), join(folder, 'set/train'));
    await expect(imageFolder(join(folder, 'set'))).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
  });
});
