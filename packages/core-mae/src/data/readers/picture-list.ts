import { statSync } from 'node:fs';
import type { Dataset, Item } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { imageFolder } from './image-folder.js';
import { append } from '../../base/long-lists.js';

/**
 * Single pictures and all pictures of folders, in the order given, each named by its path; none has a target.
 *
 * @throws MaeError `DATA_NOT_FOUND` or `DATA_EMPTY`
 */
export async function pictureList(
  paths: readonly string[],
  { followLinks = false }: { readonly followLinks?: boolean } = {},
): Promise<Dataset> {
  const items: Item[] = [];
  const warnings: string[] = [];
  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) {
      throw new MaeError('DATA_NOT_FOUND', { what: 'there is no such picture or folder', where: path });
    }
    if (found.isDirectory()) {
      const folder = await imageFolder(path, { classes: false, wholeFolder: true, followLinks });
      append(warnings, folder.warnings);
      for (let index = 0; index < folder.size; index++) {
        const { image } = folder.item(index);
        items.push({ id: image.kind === 'file' ? image.path : `${path}#${index}`, image });
      }
    } else {
      items.push({ id: path, image: { kind: 'file', path } });
    }
  }
  if (items.length === 0) throw new MaeError('DATA_EMPTY', { what: 'no pictures are given' });
  return { name: paths.join(', '), size: items.length, item: (index) => items[index]!, warnings };
}
