import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ImageFolderOptions, imageFolder } from '#core/data/readers/image-folder.js';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-classes-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The classes of empty files: the reader looks at names only. */
async function read(paths: readonly string[], options: ImageFolderOptions = {}) {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  const data = await imageFolder(folder, options);
  const classOf = (index: number): string | undefined => data.classNames?.[data.item(index).target!];
  return {
    classNames: data.classNames,
    layout: data.layout,
    classes: Object.fromEntries(Array.from({ length: data.size }, (_, i) => [data.item(i).id, classOf(i)])),
  };
}

const NESTED = [
  'Fruit/Apple/Golden/1.jpg',
  'Fruit/Apple/Golden/2.jpg',
  'Fruit/Apple/Red/1.jpg',
  'Fruit/Pear/Anjou/1.jpg',
];

describe('class folders', () => {
  it('are one level down where pictures lie there', async () => {
    const { classNames, layout } = await read(['b/1.png', 'a/1.png']);
    expect(classNames).toEqual(['a', 'b']);
    expect(layout).toBe('a folder for each class');
  });

  it('are where the pictures lie, however deep, and named without what all share', async () => {
    const { classNames, classes, layout } = await read(NESTED);
    expect(classNames).toEqual(['Apple/Golden', 'Apple/Red', 'Pear/Anjou']);
    expect(classes['Fruit/Apple/Red/1.jpg']).toBe('Apple/Red');
    expect(layout).toMatch(/3 levels deep, where the pictures lie \(Fruit\/Apple\/Golden\)/u);
    expect(layout).toMatch(/`data\.classLevel` 1, would be 1 class/u);
  });

  it('may lie at several depths', async () => {
    const { classNames, layout } = await read([...NESTED, 'Fruit/Avocado/1.jpg', 'Packages/Milk/Oat/1.jpg']);
    expect(classNames).toEqual([
      'Fruit/Apple/Golden',
      'Fruit/Apple/Red',
      'Fruit/Avocado',
      'Fruit/Pear/Anjou',
      'Packages/Milk/Oat',
    ]);
    expect(layout).toMatch(/2 to 3 levels deep.*would be 2 classes/u);
  });

  it('take in what lies in folders inside them, and say so', async () => {
    const { classes, layout } = await read(['cat/1.png', 'cat/more/kittens/2.png', 'dog/1.png', 'dog/puppies/2.png']);
    expect(classes).toEqual({
      'cat/1.png': 'cat',
      'cat/more/kittens/2.png': 'cat',
      'dog/1.png': 'dog',
      'dog/puppies/2.png': 'dog',
    });
    expect(layout).toMatch(/belong to it \(cat\/more\/kittens and 1 more\)/u);
  });

  it('are at the level that is asked for', async () => {
    const { classNames, classes, layout } = await read(NESTED, { classLevel: 2 });
    expect(classNames).toEqual(['Apple', 'Pear']);
    expect(classes['Fruit/Apple/Red/1.jpg']).toBe('Apple');
    expect(layout).toContain('`data.classLevel` (=2)');
  });

  it('cannot be below the pictures, which are named', async () => {
    await expect(read([...NESTED, 'Fruit/Avocado/1.jpg'], { classLevel: 3 })).rejects.toMatchObject({
      code: 'DATA_INVALID',
    });
    await expect(imageFolder(folder, { classLevel: 3 })).rejects.toThrow(
      /Fruit\/Avocado\/1\.jpg lies 2 levels deep, above `data\.classLevel` \(=3\)/u,
    );
    writeFileSync(join(folder, 'loose.png'), '');
    await expect(imageFolder(folder, { classLevel: 1 })).rejects.toThrow(/loose\.png lies beside the class folders/u);
    expect((await imageFolder(folder)).layout).toMatch(/pictures without classes/u);
  });

  it('of other splits are those of the training', async () => {
    const train = NESTED.map((path) => `train/${path}`);
    const val = await read([...train, 'val/Fruit/Pear/Anjou/9.jpg', 'val/Fruit/Apple/Red/new/9.jpg'], { split: 'val' });
    expect(val.classNames).toEqual(['Apple/Golden', 'Apple/Red', 'Pear/Anjou']);
    expect(val.classes).toEqual({ 'Fruit/Apple/Red/new/9.jpg': 'Apple/Red', 'Fruit/Pear/Anjou/9.jpg': 'Pear/Anjou' });
    await expect(read(['val/Fruit/Plum/1.jpg'], { split: 'val' })).rejects.toThrow(
      /class `Fruit\/Plum` is not among the training split's 3 classes/u,
    );
  });
});
