import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MaeError } from '../../base/errors.js';
import { isFolder } from '../../base/listing.js';

/** The folders of one split of a data set of pictures and index maps. */
export interface SemanticFolders {
  readonly split: string;
  readonly images: string;
  readonly annotations: string;
}

const SPLITS: Readonly<Record<string, readonly string[]>> = {
  train: ['training', 'train'],
  val: ['validation', 'val', 'valid'],
  test: ['testing', 'test'],
};
/** Folders of pictures with the folders of maps that belong to them: ADE20K's, mmsegmentation's and common others. */
const PAIRS: ReadonlyArray<readonly [images: string, annotations: string]> = [
  ['images', 'annotations'],
  ['images', 'annotations_ade'],
  ['img_dir', 'ann_dir'],
  ['images', 'masks'],
  ['images', 'labels'],
  ['JPEGImages', 'SegmentationClass'],
];

/** The splits found under a folder, `train` first; a single one named "train" where there are no subfolders. */
export function semanticFolders(path: string): SemanticFolders[] {
  for (const [images, annotations] of PAIRS) {
    // YOLO's folders have these names too, with a text for each picture.
    if (annotations === 'labels' && holdsTexts(join(path, annotations))) continue;
    const found: SemanticFolders[] = [];
    for (const [split, names] of Object.entries(SPLITS)) {
      const name = names.find((each) => isFolder(join(path, images, each)) && isFolder(join(path, annotations, each)));
      if (name !== undefined) {
        found.push({ split, images: join(path, images, name), annotations: join(path, annotations, name) });
      }
    }
    if (found.length > 0) return found;
    const isFlat = isFolder(join(path, images)) && isFolder(join(path, annotations));
    if (isFlat && (images !== 'images' || annotations === 'masks')) {
      return [{ split: 'train', images: join(path, images), annotations: join(path, annotations) }];
    }
  }
  return splitsBeside(path);
}

/** SegNet's layout: `train/` with `trainannot/` beside it. */
function splitsBeside(path: string): SemanticFolders[] {
  return Object.entries(SPLITS).flatMap(([split, names]) => {
    const name = names.find((each) => isFolder(join(path, each)) && isFolder(join(path, `${each}annot`)));
    return name === undefined ? [] : [{ split, images: join(path, name), annotations: join(path, `${name}annot`) }];
  });
}

/** Whether a folder, or the first of its subfolders with files, has texts and no PNG. */
function holdsTexts(path: string): boolean {
  if (!isFolder(path)) return false;
  const folders = [
    path,
    ...readdirSync(path)
      .map((name) => join(path, name))
      .filter(isFolder),
  ];
  const names = folders
    .map((folder) => readdirSync(folder))
    .find((each) => each.some((name) => /\.(?:txt|png)$/iu.test(name)));
  return names !== undefined && !names.some((name) => /\.png$/iu.test(name));
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
