import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import type { ReportFault } from '../../contracts/data-fault.js';
import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { foldersIn, isFolder, type LinkRules, listFiles, namesIn } from '../../base/listing.js';
import { foreignAdvice, isPictureName, otherFiles, PICTURE_NAMES } from '../../base/picture-names.js';
import { classFinder, type ClassFolders, classFolders } from './class-folders.js';
import { openingFaults } from '../coco/faults.js';
import { foreignLayout } from './foreign-layouts.js';
import { bySplitOrder, splitOfName } from './split-names.js';
import { checkSettings } from '../../base/check-settings.js';

export interface ImageFolderOptions {
  /** `train`, `val` or `test`. Default `train` where there are splits, otherwise the whole folder. */
  readonly split?: string;
  /** Whether subfolders are classes. Default: they are, unless pictures lie beside them. */
  readonly classes?: boolean;
  /** How many levels down the class folders lie, from 1. Default: where the pictures are, see `classFolders`. */
  readonly classLevel?: number;
  /** Whether all pictures are taken, whatever splits the folder has. Default false. */
  readonly wholeFolder?: boolean;
  /** Whether links may lead out of the data set. Default false. */
  readonly followLinks?: boolean;
  /** Takes every fault, so that the data is opened as far as it can be used. Default: the first error is thrown. */
  readonly reportFault?: ReportFault;
}

/**
 * The pictures under a folder, sorted by path, each with the index of its class where the folder has classes: folders
 * by class (`cats/1.jpg`, `Fruit/Apple/1.jpg`), folders of splits (`train/`, `Validation/`) with these in them, or
 * pictures in any order of folders. Class names are the training split's, so that both splits agree. Nothing is decoded
 * here.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY`, `DATA_INVALID` or `PATH_ESCAPES`
 */
export async function imageFolder(
  path: string,
  options: ImageFolderOptions = {},
): Promise<Dataset<number | undefined>> {
  if (options.wholeFolder === true) return readFolder(path, path, path, options, []);
  const { root, splits, unused } = findSplits(path);
  const wanted = options.split === undefined ? 'train' : (splitOfName(options.split) ?? options.split);
  if (splits.size === 0) {
    if (wanted !== 'train') throw noSuchSplit(path, options.split, splits);
    return readFolder(root, root, path, options, []);
  }
  const folder = splits.get(wanted);
  if (folder === undefined) throw noSuchSplit(path, options.split, splits);
  const notes = options.reportFault === undefined || wanted === 'train' ? unused : [];
  return readFolder(join(root, folder), join(root, splits.get('train') ?? folder), path, options, notes);
}

interface FoundSplits {
  /** The folder that the splits or the classes lie in: the only one in the folder given, where it has nothing else. */
  readonly root: string;
  /** The folder of each split, by the split's name; none where the folder has no splits. */
  readonly splits: ReadonlyMap<string, string>;
  /** Folders beside the splits that are none. */
  readonly unused: readonly string[];
}

/**
 * The splits of a folder. Subfolders called `test` or `val` are splits where one for training is among them, or where
 * there are no others; otherwise they are classes that happen to be called so.
 *
 * @throws MaeError `CONFIG_INVALID` where two folders are of one split
 */
function findSplits(path: string): FoundSplits {
  const root = innermost(path);
  const splits = new Map<string, string>();
  const names = foldersIn(root);
  const unused: string[] = [];
  for (const name of names) {
    const split = splitOfName(name);
    if (split === undefined) {
      unused.push(name);
      continue;
    }
    const other = splits.get(split);
    if (other !== undefined) {
      throw new MaeError('CONFIG_INVALID', {
        what: `two folders are of the split \`${split}\`: ${other} and ${name}`,
        where: root,
        fix: 'keep one of them',
      });
    }
    splits.set(split, name);
  }
  const train = splits.get('train');
  // Toy trains beside buses and cars: a class, since no folder of another split is there and pictures lie in it.
  const isClass = train !== undefined && splits.size === 1 && unused.length > 0 && hasPictures(join(root, train));
  if (isClass) return { root, splits: new Map(), unused: [] };
  if (train !== undefined) return { root, splits, unused };
  const isAllSplits = unused.length === 0 && !hasPictures(root);
  return { root, splits: isAllSplits ? splits : new Map(), unused: [] };
}

function hasPictures(folder: string): boolean {
  return namesIn(folder).some(isPictureName);
}

/** The folder that the splits lie in: archives often hold everything in one more folder. */
function innermost(path: string): string {
  for (let folder = path; ;) {
    const [only, ...others] = foldersIn(folder);
    if (only === undefined || others.length > 0 || splitOfName(only) !== undefined || hasPictures(folder)) return path;
    folder = join(folder, only);
    if (foldersIn(folder).some((name) => splitOfName(name) !== undefined)) return folder;
  }
}

/**
 * @param trainFolder the folder that classes are told from
 * @param path of the data set, out of which no link leads
 */
async function readFolder(
  folder: string,
  trainFolder: string,
  path: string,
  options: ImageFolderOptions,
  notes: readonly string[],
): Promise<Dataset<number | undefined>> {
  const links = { within: path, followLinks: options.followLinks };
  const { pictures, files, warnings } = await listPictures(folder, links);
  if (pictures.length === 0) {
    const found = files.length === 0 ? 'it is empty' : `it has ${files.length} other files, such as ${files[0]}`;
    throw new MaeError('DATA_EMPTY', {
      what: `there are no pictures in this folder (${found})`,
      where: folder,
      fix: foreignAdvice(files) ?? PICTURE_NAMES,
    });
  }
  const training = folder === trainFolder ? pictures : (await listPictures(trainFolder, links)).pictures;
  const foreign = options.classes === undefined ? foreignLayout(path) : undefined;
  const classes = foreign === undefined ? classesOf(folder, pictures, trainFolder, training, options) : undefined;
  if (classes !== undefined) {
    requireNoSplitsInside(classes, trainFolder, options);
    requireNoEmptyFolders(folder, pictures);
  }
  const { report, warnings: reported } = openingFaults(options.reportFault);
  const warn = (code: string, subject: string, problem: string, action: string): void => {
    report({ severity: 'warning', code, file: folder, subject, problem, action });
  };
  for (const warning of warnings) warn('dead-link', 'a link', warning, 'not used');
  for (const name of notes) warn('folder-not-used', name, 'lies beside the folders of splits and is none', 'not used');
  const others = otherFiles(files);
  if (others.count > 0) {
    const subject = others.count === 1 ? '1 file' : `${others.count} files`;
    warn('not-a-picture', subject, `no picture by name (${others.examples})`, 'left out');
  }
  for (const name of classes?.names ?? []) {
    if (splitOfName(name) === undefined) continue;
    warn('class-called-like-a-split', name, 'is called like a split', 'taken as a class: it lies beside other classes');
  }
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
    layout:
      foreign === undefined
        ? layoutOf(classes, options) + (folder === path ? '' : `, in ${relative(path, folder)}/`)
        : `pictures of a ${foreign.name} data set (by ${foreign.reason})`,
    warnings: reported(),
  };
}

interface ListedPictures {
  readonly pictures: readonly string[];
  readonly files: readonly string[];
  readonly warnings: readonly string[];
}

async function listPictures(folder: string, links: LinkRules): Promise<ListedPictures> {
  const { files, warnings } = await listFiles(folder, links);
  return { pictures: files.filter(isPictureName), files, warnings };
}

/** @throws MaeError `DATA_INVALID` where each class has splits of its own: `apple/train`, `apple/val` */
function requireNoSplitsInside(
  { folders }: ClassFolders,
  where: string,
  { classLevel }: Pick<ImageFolderOptions, 'classLevel'>,
): void {
  if (classLevel !== undefined) return;
  const split = folders.find(
    (folder) => folder.includes('/') && splitOfName(folder.slice(folder.lastIndexOf('/') + 1)),
  );
  if (split === undefined) return;
  throw new MaeError('DATA_INVALID', {
    what: `the folder ${split} is called like a split and lies inside another`,
    where,
    fix: 'put the folders of splits outermost (train/apple, val/apple), or set `data.classLevel` to take them as classes or parts of one',
  });
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
function requireNoEmptyFolders(folder: string, pictures: readonly string[]): void {
  const used = new Set(pictures.map((picture) => picture.slice(0, picture.indexOf('/'))));
  const empty = foldersIn(folder).filter((name) => !used.has(name));
  if (empty.length === 0) return;
  throw new MaeError('DATA_INVALID', {
    what: `there are no pictures in the class ${empty.length === 1 ? 'folder' : 'folders'} ${empty.join(', ')}`,
    where: folder,
    fix: 'remove what is no class',
  });
}

function noSuchSplit(path: string, split: string | undefined, splits: ReadonlyMap<string, string>): MaeError {
  if (!isFolder(path)) {
    return new MaeError('DATA_NOT_FOUND', { what: 'there is no such folder', where: path, fix: 'check the path' });
  }
  const found = [...splits]
    .sort(([a], [b]) => bySplitOrder(a, b))
    .map(([, name]) => name)
    .join(', ');
  if (split === undefined) {
    return new MaeError('DATA_NOT_FOUND', {
      what: `none of the splits is for training (there is ${found})`,
      where: path,
      fix: 'add the folder `train`, or name the one to train on by `data.split`',
    });
  }
  return new MaeError('DATA_NOT_FOUND', {
    what: `there is no split \`${split}\``,
    where: path,
    fix: splits.size > 0 ? `it has ${found}` : 'add the folders `train` and `val`, or hold out a fraction',
  });
}

const schema: z.ZodType<ImageFolderOptions> = z.strictObject({
  split: z.string().min(1).exactOptional(),
  classes: z.boolean().exactOptional(),
  classLevel: z.int().min(1).exactOptional(),
  wholeFolder: z.boolean().exactOptional(),
  followLinks: z.boolean().exactOptional(),
  reportFault: z.custom<ReportFault>().exactOptional(),
});

/** Reads folders of pictures; recognises any folder that has a picture or a subfolder, so it is asked last. */
export const folderReader: DataReader = {
  name: 'folder',
  settings: ['classLevel', 'classes'],
  async recognizes(path) {
    if (!isFolder(path)) return false;
    const entries = await readdir(path, { withFileTypes: true });
    return entries.some((entry) => isPictureName(entry.name) || entry.isDirectory() || entry.isSymbolicLink());
  },
  splits: (path) => Promise.resolve([...findSplits(path).splits.keys()].sort(bySplitOrder)),
  open: async (path, options = {}) => imageFolder(path, checkSettings(schema, options, 'data reader folder')),
};
