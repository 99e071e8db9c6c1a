import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataReader, OpenOptions } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { byCodeUnit, checkInside, isFolder, listFiles } from '../../base/listing.js';
import { isPictureName, notPictures, PICTURE_NAMES } from '../../base/picture-names.js';

export interface ImageFolderOptions {
  /** The subfolder `train`, `val` or `test`. Default `train` where there is one, otherwise the whole folder. */
  readonly split?: string;
  /** Whether subfolders are classes. Default: they are, unless pictures lie beside them. */
  readonly classes?: boolean;
}

const SPLITS = ['train', 'val', 'test'];

/**
 * The pictures under a folder, sorted by path, each with the index of its class where the folder has classes: folders
 * by class (`cats/1.jpg`), `train/` and `val/` folders of these, or pictures in any order of folders. Class names are
 * the training split's, so that both splits agree. Nothing is decoded here.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY`, `DATA_INVALID` or `PATH_ESCAPES`
 */
export async function imageFolder(
  path: string,
  options: ImageFolderOptions = {},
): Promise<Dataset<number | undefined>> {
  const splits = splitsOf(path);
  const split = options.split ?? (splits.length > 0 ? 'train' : undefined);
  if (splits.length === 0) {
    if (split !== undefined && split !== 'train') throw noSuchSplit(path, split, splits);
    return readFolder(path, path, options.classes);
  }
  if (split === undefined || !splits.includes(split)) throw noSuchSplit(path, split ?? '', splits);
  const folder = join(path, split);
  checkInside(await realpath(path), await realpath(folder), folder);
  if (split === 'train') return readFolder(folder, folder, options.classes);
  return readFolder(folder, join(path, 'train'), options.classes);
}

/** `train`, `val` and `test` where these subfolders exist and `train` is among them. */
function splitsOf(path: string): string[] {
  const found = SPLITS.filter((name) => isFolder(join(path, name)));
  return found.includes('train') ? found : [];
}

async function readFolder(
  folder: string,
  classFolder: string,
  wantClasses: boolean | undefined,
): Promise<Dataset<number | undefined>> {
  const { files, warnings } = await listFiles(folder);
  const pictures = files.filter(isPictureName);
  const others = files.filter((file) => !isPictureName(file));
  if (pictures.length === 0) {
    const found = others.length === 0 ? 'it is empty' : `it has ${others.length} other files, such as ${others[0]}`;
    throw new MaeError('DATA_EMPTY', {
      what: `there are no pictures in this folder (${found})`,
      where: folder,
      fix: PICTURE_NAMES,
    });
  }
  const classNames = await classesOf(classFolder, pictures, wantClasses);
  const labels = classNames === undefined ? undefined : labelsOf(folder, pictures, classNames);
  return {
    name: folder,
    size: pictures.length,
    item(index) {
      const id = pictures[index]!;
      const image = { kind: 'file', path: join(folder, id) } as const;
      return labels === undefined ? { id, image } : { id, image, target: labels[index]! };
    },
    ...(classNames === undefined ? {} : { classNames }),
    warnings: [...warnings, ...notPictures(folder, files)],
  };
}

/** Names of the class folders, sorted; undefined where pictures lie beside them or `wantClasses` is false. */
async function classesOf(
  folder: string,
  pictures: readonly string[],
  wantClasses: boolean | undefined,
): Promise<string[] | undefined> {
  if (wantClasses === false) return undefined;
  const loose = pictures.find((picture) => !picture.includes('/'));
  if (loose !== undefined) {
    if (wantClasses !== true) return undefined;
    throw new MaeError('DATA_INVALID', {
      what: `the picture ${loose} lies beside the class folders, so it has no class`,
      where: folder,
      fix: 'move it into a class folder',
    });
  }
  const entries = await readdir(folder);
  const names = entries.filter((name) => !name.startsWith('.') && isFolder(join(folder, name)));
  return names.sort(byCodeUnit);
}

function labelsOf(folder: string, pictures: readonly string[], classNames: readonly string[]): Int32Array {
  const indices = new Map(classNames.map((name, index) => [name, index]));
  const counts = new Int32Array(classNames.length);
  const labels = Int32Array.from(pictures, (picture) => {
    const name = picture.slice(0, picture.indexOf('/'));
    const index = indices.get(name);
    if (index === undefined) {
      throw new MaeError('DATA_INVALID', {
        what: `the class \`${name}\` is not among the training split's ${classNames.length} classes`,
        where: join(folder, picture),
        fix: 'give every split the same class folders',
      });
    }
    counts[index]!++;
    return index;
  });
  const empty = classNames.filter((name, index) => counts[index] === 0 && isFolder(join(folder, name)));
  if (empty.length > 0) {
    throw new MaeError('DATA_INVALID', {
      what: `there are no pictures in the class ${empty.length === 1 ? 'folder' : 'folders'} ${empty.join(', ')}`,
      where: folder,
      fix: 'remove what is no class, or set `classes` to false where folders are not classes',
    });
  }
  return labels;
}

function noSuchSplit(path: string, split: string, splits: readonly string[]): MaeError {
  if (!isFolder(path)) {
    return new MaeError('DATA_NOT_FOUND', { what: 'there is no such folder', where: path, fix: 'check the path' });
  }
  return new MaeError('DATA_NOT_FOUND', {
    what: `there is no split \`${split}\``,
    where: path,
    fix:
      splits.length > 0 ? `it has ${splits.join(', ')}` : 'add the folders `train` and `val`, or hold out a fraction',
  });
}

/** Reads folders of pictures; recognises any folder that has a picture or a subfolder, so it is asked last. */
export const folderReader: DataReader = {
  name: 'folder',
  async recognizes(path) {
    if (!isFolder(path)) return false;
    const entries = await readdir(path, { withFileTypes: true });
    return entries.some((entry) => isPictureName(entry.name) || entry.isDirectory() || entry.isSymbolicLink());
  },
  splits: (path) => Promise.resolve(splitsOf(path)),
  open: (path, options: OpenOptions = {}) => imageFolder(path, folderOptions(options)),
};

function folderOptions({ split, classes }: OpenOptions): ImageFolderOptions {
  return { ...(split === undefined ? {} : { split }), ...(typeof classes === 'boolean' ? { classes } : {}) };
}
