import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MaeError } from '../../base/errors.js';
import { foldersIn, isFolder, namesIn } from '../../base/listing.js';
import { bySplitOrder, splitOfName } from './split-names.js';

/** The folders of one split of a data set of pictures and index maps. */
export interface SemanticFolders {
  readonly split: string;
  readonly images: string;
  readonly annotations: string;
  /** A text that names the split's pictures, a stem a line, where all splits lie in the same folders. */
  readonly list?: string;
}

/** Folders of pictures with the folders of maps that belong to them: ADE20K's, mmsegmentation's and common others. */
const PAIRS: ReadonlyArray<readonly [images: string, annotations: string]> = [
  ['images', 'annotations'],
  ['images', 'annotations_ade'],
  ['img_dir', 'ann_dir'],
  ['images', 'masks'],
  ['images', 'labels'],
  ['JPEGImages', 'SegmentationClass'],
];

/**
 * The splits found under a folder, `train` first; a single one named "train" where there are no subfolders. Folders are
 * index maps by what is in them, not by their names: one without a PNG is none.
 */
export function semanticFolders(path: string): SemanticFolders[] {
  for (const [images, annotations] of PAIRS) {
    const [pictures, maps] = [folderCalled(path, images), folderCalled(path, annotations)];
    if (pictures === undefined || maps === undefined || !holdsMaps(maps)) continue;
    const found = splitsInside(pictures, maps);
    if (found.length > 0) return found;
    const isFlat = images !== 'images' || annotations === 'masks' || annotations === 'labels';
    if (isFlat) return splitsByLists(path, { images: pictures, annotations: maps });
  }
  return splitsBeside(path);
}

/** A folder of this name in any case. */
function folderCalled(path: string, name: string): string | undefined {
  const exact = join(path, name);
  if (isFolder(exact)) return exact;
  const other = foldersIn(path).find((each) => each.toLowerCase() === name.toLowerCase());
  return other === undefined ? undefined : join(path, other);
}

/** `images/training` with `annotations/training`; the names of both may differ in how they write the split. */
function splitsInside(images: string, annotations: string): SemanticFolders[] {
  const maps = foldersIn(annotations);
  const pictures = foldersIn(images);
  const found = pictures.flatMap((name) => {
    const split = splitOfName(name);
    const map = maps.includes(name)
      ? name
      : maps.find((each) => splitOfName(each) === split && !pictures.includes(each));
    if (split === undefined || map === undefined || !holdsMaps(join(annotations, map))) return [];
    return [{ split, images: join(images, name), annotations: join(annotations, map) }];
  });
  requireOneOfEach(found);
  return found.sort((a, b) => bySplitOrder(a.split, b.split));
}

/** @throws MaeError `CONFIG_INVALID` where two folders are of one split */
function requireOneOfEach(found: readonly SemanticFolders[]): void {
  for (const { split, images } of found) {
    const other = found.find((each) => each.split === split && each.images !== images);
    if (other === undefined) continue;
    throw new MaeError('CONFIG_INVALID', {
      what: `two folders are of the split \`${split}\`: ${images} and ${other.images}`,
      fix: 'keep one of them, or name the one that is meant by `data.images` and `data.annotations`',
    });
  }
}

/** VOC's `ImageSets/Segmentation/train.txt`, or all pictures as one split where there are no lists. */
function splitsByLists(path: string, folders: Pick<SemanticFolders, 'images' | 'annotations'>): SemanticFolders[] {
  const lists = join(path, 'ImageSets', 'Segmentation');
  const found = namesIn(lists).flatMap((name) => {
    const split = /\.txt$/iu.test(name) ? splitOfName(name.slice(0, -'.txt'.length)) : undefined;
    return split === undefined ? [] : [{ ...folders, split, list: join(lists, name) }];
  });
  if (found.length === 0) return [{ ...folders, split: 'train' }];
  return found.sort((a, b) => bySplitOrder(a.split, b.split));
}

/** SegNet's layout: `train/` with `trainannot/` beside it. */
function splitsBeside(path: string): SemanticFolders[] {
  const names = foldersIn(path);
  return names
    .flatMap((name) => {
      const split = splitOfName(name);
      const maps = `${name}annot`;
      if (split === undefined || !names.includes(maps) || !holdsMaps(join(path, maps))) return [];
      return [{ split, images: join(path, name), annotations: join(path, maps) }];
    })
    .sort((a, b) => bySplitOrder(a.split, b.split));
}

/** Whether a PNG lies in a folder or in one of its subfolders. */
function holdsMaps(path: string): boolean {
  const hasMap = (folder: string): boolean => readdirSync(folder).some((name) => /\.png$/iu.test(name));
  return [path, ...foldersIn(path).map((name) => join(path, name))].some(hasMap);
}

/** The stems that a list names, a word a line. @throws MaeError `DATA_NOT_FOUND` */
export function readStems(file: string): ReadonlySet<string> {
  const lines = readFileSync(file, 'utf8').split(/\r?\n/u);
  return new Set(lines.map((line) => line.trim().split(/\s+/u)[0]!.normalize('NFC')).filter((stem) => stem !== ''));
}

/**
 * Names of the classes, from `objectInfo150.txt`, `objectInfo.txt` (a table with the columns Idx and Name, classes from
 * 1) or `classes.txt` (a name a line, from 0); undefined where there is none.
 *
 * @throws MaeError `DATA_INVALID` naming the file and the line.
 */
export function readClassNames(path: string): { readonly names: string[]; readonly fromOne: boolean } | undefined {
  for (const name of ['objectInfo150.txt', 'objectInfo.txt']) {
    const file = join(path, name);
    if (existsSync(file)) return { names: parseObjectInfo(readFileSync(file, 'utf8'), file), fromOne: true };
  }
  const file = join(path, 'classes.txt');
  if (!existsSync(file)) return undefined;
  const names = readFileSync(file, 'utf8').split(/\r?\n/u);
  return { names: names.map((name) => name.trim()).filter((name) => name !== ''), fromOne: false };
}

function parseObjectInfo(text: string, file: string): string[] {
  const [header = '', ...lines] = text.split(/\r?\n/u).filter((line) => line.trim() !== '');
  const columns = header.split('\t').map((column) => column.trim().toLowerCase());
  const indexColumn = columns.indexOf('idx');
  const nameColumn = columns.indexOf('name');
  if (indexColumn < 0 || nameColumn < 0) {
    throw new MaeError('DATA_INVALID', {
      what: 'the table of classes has no columns Idx and Name',
      where: file,
      fix: 'separate columns by tabs and name them in the first line',
    });
  }
  return lines.map((line, position) => {
    const cells = line.split('\t').map((cell) => cell.trim());
    if (Number(cells[indexColumn]) !== position + 1 || cells[nameColumn] === undefined) {
      throw new MaeError('DATA_INVALID', {
        what: `line ${position + 2} is not class ${position + 1} (${line.trim()})`,
        where: file,
        fix: 'number the classes 1, 2, 3, … without gaps',
      });
    }
    return cells[nameColumn];
  });
}
