import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { byCodeUnit, checkInside, isFolder, listFiles } from '../../base/listing.js';
import { isPictureName, notPictures, PICTURE_NAMES } from '../../base/picture-names.js';
import { classFinder, type ClassFolders, classFolders } from './class-folders.js';
import { checkSettings } from '../../base/check-settings.js';

export interface ImageFolderOptions {
  /** The subfolder `train`, `val` or `test`. Default `train` where there is one, otherwise the whole folder. */
  readonly split?: string;
  /** Whether subfolders are classes. Default: they are, unless pictures lie beside them. */
  readonly classes?: boolean;
  /** How many levels down the class folders lie, from 1. Default: where the pictures are, see `classFolders`. */
  readonly classLevel?: number;
}

const SPLITS = ['train', 'val', 'test'];

/**
 * The pictures under a folder, sorted by path, each with the index of its class where the folder has classes: folders
 * by class (`cats/1.jpg`, `Fruit/Apple/1.jpg`), `train/` and `val/` folders of these, or pictures in any order of
 * folders. Class names are the training split's, so that both splits agree. Nothing is decoded here.
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
    return readFolder(path, path, options);
  }
  if (split === undefined || !splits.includes(split)) throw noSuchSplit(path, split ?? '', splits);
  const folder = join(path, split);
  checkInside(await realpath(path), await realpath(folder), folder);
  return readFolder(folder, join(path, 'train'), options);
}

/** `train`, `val` and `test` where these subfolders exist and `train` is among them. */
function splitsOf(path: string): string[] {
  const found = SPLITS.filter((name) => isFolder(join(path, name)));
  return found.includes('train') ? found : [];
}

/** @param trainFolder the folder that classes are told from */
async function readFolder(
  folder: string,
  trainFolder: string,
  options: ImageFolderOptions,
): Promise<Dataset<number | undefined>> {
  const { pictures, files, warnings } = await listPictures(folder);
  if (pictures.length === 0) {
    const found = files.length === 0 ? 'it is empty' : `it has ${files.length} other files, such as ${files[0]}`;
    throw new MaeError('DATA_EMPTY', {
      what: `there are no pictures in this folder (${found})`,
      where: folder,
      fix: PICTURE_NAMES,
    });
  }
  const training = folder === trainFolder ? pictures : (await listPictures(trainFolder)).pictures;
  const classes = classesOf(folder, pictures, trainFolder, training, options);
  if (classes !== undefined) await requireNoEmptyFolders(folder, pictures);
  const labels = classes === undefined ? undefined : labelsOf(folder, pictures, classes);
  return {
    name: folder,
    size: pictures.length,
    item(index) {
      const id = pictures[index]!;
      const image = { kind: 'file', path: join(folder, id) } as const;
      return labels === undefined ? { id, image } : { id, image, target: labels[index]! };
    },
    ...(classes === undefined ? {} : { classNames: classes.names }),
    ...(labels === undefined
      ? {}
      : { labelling: { unit: 'picture', countsOf: (index: number) => new Map([[labels[index]!, 1]]) } }),
    layout: layoutOf(classes, options),
    warnings: [...warnings, ...notPictures(folder, files)],
  };
}

interface ListedPictures {
  readonly pictures: readonly string[];
  readonly files: readonly string[];
  readonly warnings: readonly string[];
}

async function listPictures(folder: string): Promise<ListedPictures> {
  const { files, warnings } = await listFiles(folder);
  return { pictures: files.filter(isPictureName), files, warnings };
}

/** The class folders; undefined where pictures lie beside them or no classes are wanted. */
function classesOf(
  folder: string,
  pictures: readonly string[],
  trainFolder: string,
  training: readonly string[],
  { classes: wanted, classLevel }: ImageFolderOptions,
): ClassFolders | undefined {
  if (wanted === false) return undefined;
  const loose = [...pictures, ...training].find((picture) => !picture.includes('/'));
  if (loose === undefined) return classFolders(training, classLevel, trainFolder);
  if (wanted !== true && classLevel === undefined) return undefined;
  throw new MaeError('DATA_INVALID', {
    what: `the picture ${loose} lies beside the class folders, so it has no class`,
    where: pictures.includes(loose) ? folder : trainFolder,
    fix: 'move it into a class folder',
  });
}

function layoutOf(classes: ClassFolders | undefined, { classes: wanted }: ImageFolderOptions): string {
  if (classes !== undefined)
    return ['a folder for each class', classes.reason].filter((part) => part !== '').join(', ');
  return wanted === false ? 'pictures in folders' : 'pictures without classes: some lie beside the folders';
}

function labelsOf(folder: string, pictures: readonly string[], classes: ClassFolders): Int32Array {
  const find = classFinder(classes);
  return Int32Array.from(pictures, (picture) => {
    const index = find(picture);
    if (index !== undefined) return index;
    throw new MaeError('DATA_INVALID', {
      what: `the class \`${picture.slice(0, picture.lastIndexOf('/'))}\` is not among the training split's ${classes.names.length} classes`,
      where: join(folder, picture),
      fix: 'give every split the same class folders',
    });
  });
}

/** Folders beside the classes that have no picture are a mistake that would otherwise go unseen. */
async function requireNoEmptyFolders(folder: string, pictures: readonly string[]): Promise<void> {
  const used = new Set(pictures.map((picture) => picture.slice(0, picture.indexOf('/'))));
  const entries = await readdir(folder);
  const empty = entries.filter((name) => !name.startsWith('.') && !used.has(name) && isFolder(join(folder, name)));
  if (empty.length === 0) return;
  throw new MaeError('DATA_INVALID', {
    what: `there are no pictures in the class ${empty.length === 1 ? 'folder' : 'folders'} ${empty.sort(byCodeUnit).join(', ')}`,
    where: folder,
    fix: 'remove what is no class',
  });
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

const schema: z.ZodType<ImageFolderOptions> = z.strictObject({
  split: z.string().min(1).exactOptional(),
  classes: z.boolean().exactOptional(),
  classLevel: z.int().min(1).exactOptional(),
});

/** Reads folders of pictures; recognises any folder that has a picture or a subfolder, so it is asked last. */
export const folderReader: DataReader = {
  name: 'folder',
  settings: ['classLevel'],
  async recognizes(path) {
    if (!isFolder(path)) return false;
    const entries = await readdir(path, { withFileTypes: true });
    return entries.some((entry) => isPictureName(entry.name) || entry.isDirectory() || entry.isSymbolicLink());
  },
  splits: (path) => Promise.resolve(splitsOf(path)),
  open: async (path, options = {}) => imageFolder(path, checkSettings(schema, options, 'data reader folder')),
};
