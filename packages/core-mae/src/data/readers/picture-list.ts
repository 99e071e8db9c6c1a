import { statSync } from 'node:fs';
import { glob, isDynamicPattern } from 'tinyglobby';
import type { Dataset, Item } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { imageFolder } from './image-folder.js';
import { append } from '../../base/long-lists.js';
import { isPictureName, notPictures } from '../../base/picture-names.js';

/**
 * Single pictures, all pictures of folders and those that patterns match (`photos/*.jpg`, `2024-*`: files or folders), in
 * the order given, each named by its path; none has a target.
 *
 * @throws MaeError `DATA_NOT_FOUND` or `DATA_EMPTY`
 */
export async function pictureList(
  paths: readonly string[],
  { followLinks = false }: { readonly followLinks?: boolean } = {},
): Promise<Dataset> {
  const items: Item[] = [];
  const warnings: string[] = [];
  for (const path of await expanded(paths, followLinks, warnings)) {
    if (statSync(path).isDirectory()) {
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

/** The paths, patterns replaced by what they match, in the order of names. A path that exists is never a pattern. */
async function expanded(paths: readonly string[], followLinks: boolean, warnings: string[]): Promise<string[]> {
  const all: string[] = [];
  for (const path of paths) {
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) {
      all.push(path);
      continue;
    }
    const pattern = process.platform === 'win32' ? path.replaceAll('\\', '/') : path;
    if (!isDynamicPattern(pattern)) {
      throw new MaeError('DATA_NOT_FOUND', { what: 'there is no such picture or folder', where: path });
    }
    const options = { expandDirectories: false, followSymbolicLinks: followLinks };
    const files = await glob(pattern, { ...options, onlyFiles: true });
    const pictures = files.filter(isPictureName);
    const matches = files.length > 0 ? pictures : await glob(pattern, { ...options, onlyDirectories: true });
    append(warnings, notPictures(path, files));
    if (matches.length === 0) {
      throw new MaeError('DATA_NOT_FOUND', { what: 'the pattern matches no picture and no folder', where: path });
    }
    append(all, matches.sort());
  }
  return all;
}
