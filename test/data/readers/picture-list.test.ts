import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pictureList } from '#core/data/readers/picture-list.js';
import { writePictures } from '../../pictures/tiny-pictures.js';
import { useTemporaryFolders } from '../../temporary-folder.js';

const createFolder = useTemporaryFolders();

async function folderOfPictures(): Promise<string> {
  const folder = await createFolder();
  for (const name of ['2024-05', '2024-06', 'old', 'odd [1]']) await writePictures(join(folder, name), 3);
  await writeFile(join(folder, 'old', 'notes.txt'), '');
  return folder;
}

const idsIn = async (folder: string, ...paths: readonly string[]): Promise<string[]> => {
  const data = await pictureList(paths.map((path) => join(folder, path)));
  return Array.from({ length: data.size }, (_, index) => relative(folder, data.item(index).id));
};

describe('pictures that are named', () => {
  it('are files, folders, and what patterns match, in order', async () => {
    const folder = await folderOfPictures();
    expect(await idsIn(folder, 'old/*-002.png', '2024-0{6,5}/picture-000.png')).toEqual([
      'old/picture-002.png',
      '2024-05/picture-000.png',
      '2024-06/picture-000.png',
    ]);
    expect(await idsIn(folder, '2024-*')).toHaveLength(6);
    expect(await idsIn(folder, '**')).toHaveLength(12);
  });

  it('may have names that look like patterns', async () => {
    const folder = await folderOfPictures();
    expect(await idsIn(folder, 'odd [1]')).toHaveLength(3);
    expect(await idsIn(folder, 'odd [1]/picture-001.png')).toEqual(['odd [1]/picture-001.png']);
  });

  it('are left out and counted where a pattern matches other files', async () => {
    const folder = await folderOfPictures();
    const { size, warnings } = await pictureList([join(folder, 'old/*')]);
    expect(size).toBe(3);
    expect(warnings).toEqual([expect.stringMatching(/old\/\*: 1 files are not pictures by name.*notes\.txt/u)]);
  });

  it('are asked for where nothing matches', async () => {
    const folder = await folderOfPictures();
    await mkdir(join(folder, 'empty'));
    await expect(pictureList([join(folder, 'none/*.jpg')])).rejects.toThrow(/the pattern matches no picture.*none/u);
    await expect(pictureList([join(folder, 'none.jpg')])).rejects.toThrow(/there is no such picture or folder/u);
  });
});
