import { join } from 'node:path';
import { readText } from '../../../base/decode-text.js';
import { MaeError } from '../../../base/errors.js';
import { isPictureName } from '../../../base/picture-names.js';
import { splitOfName } from '../../readers/split-names.js';
import { baseName, type DataSetFiles, folderOf, joinPath, withoutEnding } from './data-set-files.js';
import { type Notes, someOf } from './notes.js';
import type { YoloDataFile } from './yolo-data-file.js';
import { append } from '../../../base/long-lists.js';

export type Split = 'train' | 'val' | 'test';

/**
 * The pictures of each split, as paths below the data set's folder: as `data.yaml` says, as lists called `train.txt`,
 * `valid.txt` … say, or by folders called so; `train` where nothing says. Each picture is in one split.
 *
 * @throws MaeError `DATA_NOT_FOUND` where no picture has labels
 */
export function yoloSplits(
  root: string,
  data: YoloDataFile,
  files: DataSetFiles,
  notes: Notes,
): Record<Split, string[]> {
  const splits =
    splitsOfDataFile(root, data, files, notes) ?? splitsOfLists(root, files, notes) ?? splitsOfFolders(files, notes);
  const isLabelled = Object.values(splits).some((pictures) => pictures.some((picture) => labelFileOf(picture, files)));
  if (!isLabelled) {
    throw new MaeError('DATA_NOT_FOUND', {
      what: 'there are no folders of pictures and labels: no picture has a text of its name',
      where: root,
      fix: 'a YOLO data set has images/train and labels/train',
    });
  }
  return keepApart(splits, notes);
}

/** The text with a picture's labels: in `labels` for `images`, or beside the picture; undefined where there is none. */
export function labelFileOf(picture: string, files: DataSetFiles): string | undefined {
  const stem = withoutEnding(picture);
  const parts = stem.split('/');
  const at = parts.findLastIndex((part, index) => index < parts.length - 1 && part.toLowerCase() === 'images');
  const candidates = at < 0 ? [] : [parts.with(at, 'labels').join('/')];
  for (const candidate of [...candidates, stem]) {
    const found = files.at(`${candidate}.txt`);
    if (found === undefined) continue;
    const isExact = baseName(withoutEnding(found)) === baseName(stem);
    // Where case tells two pictures apart, the text is the one's that is called so.
    const owner = joinPath(folderOf(picture), baseName(withoutEnding(found)));
    if (isExact || !files.picturesOfStem(owner).some((other) => withoutEnding(other) === owner)) return found;
  }
  return undefined;
}

/** The splits of `data.yaml`; undefined where it names none for training that is there. */
function splitsOfDataFile(
  root: string,
  data: YoloDataFile,
  files: DataSetFiles,
  notes: Notes,
): Record<Split, string[]> | undefined {
  const splits: Record<Split, string[]> = { train: [], val: [], test: [] };
  for (const { split, paths } of data.splits) {
    for (const { text, line } of paths) {
      const where = `${data.file ?? ''}, line ${line}`;
      const place = placeOf(text, data, files);
      if (place === undefined)
        notes.add('paths of data.yaml that are not there', `${where}: ${text} is not in ${root}; passed over`);
      else if (place.kind === 'list') append(splits[split], readList(root, place.path, files, notes));
      else append(splits[split], picturesBelow(place.path, files));
    }
  }
  if (splits.train.length === 0) return undefined;
  const used = new Set(Object.values(splits).flat());
  // What the file does not say, or says of another machine, the folders' names may.
  const byFolder = picturesByFolder(files).splits;
  for (const split of ['val', 'test'] as const) {
    if (splits[split].length > 0) continue;
    append(
      splits[split],
      byFolder[split].filter((picture) => !used.has(picture)),
    );
    for (const picture of splits[split]) used.add(picture);
  }
  const left = files.pictures.filter((picture) => !used.has(picture) && labelFileOf(picture, files) !== undefined);
  if (left.length > 0) {
    notes.add(
      'pictures in no split',
      `${left.length} pictures with labels are in no split of ${data.file ?? 'data.yaml'} and left out (${someOf(left)})`,
    );
  }
  return splits;
}

interface Place {
  readonly kind: 'folder' | 'list';
  readonly path: string;
}

/** Where a path of `data.yaml` leads inside the data set. It may have been written for another machine or folder. */
function placeOf(text: string, { path = '', folder }: YoloDataFile, files: DataSetFiles): Place | undefined {
  const parts = partsOf(text);
  const isAbsolute = /^(?:\/|\\|[a-z]:)/iu.test(text);
  const bases = isAbsolute ? [] : [[folder, path], [path], [folder], []].map((base) => base.flatMap(partsOf));
  const candidates = bases.map((base) => [...base, ...parts]);
  const bare = parts.filter((part) => part !== '..');
  candidates.push(bare);
  // Of a path on another machine, the end is what both have.
  if (isAbsolute) for (let start = 1; start < bare.length; start++) candidates.push(bare.slice(start));
  for (const candidate of candidates) {
    const inside = normalized(candidate);
    if (inside === undefined) continue;
    if (/\.txt$/iu.test(inside)) {
      const list = files.at(inside);
      if (list !== undefined) return { kind: 'list', path: list };
    } else if (files.hasFolder(inside)) return { kind: 'folder', path: inside };
  }
  return undefined;
}

function partsOf(path: string): string[] {
  return path.split(/[/\\]/u).filter((part) => part !== '' && part !== '.' && !/^[a-z]:$/iu.test(part));
}

/** The path without `..`; undefined where it leads out of the folder. */
function normalized(parts: readonly string[]): string | undefined {
  const kept: string[] = [];
  for (const part of parts) {
    if (part !== '..') kept.push(part);
    else if (kept.pop() === undefined) return undefined;
  }
  return kept.join('/');
}

function picturesBelow(folder: string, files: DataSetFiles): string[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  return files.pictures.filter((picture) => picture.startsWith(prefix));
}

/** The pictures that a text names, a path a line. */
function readList(root: string, list: string, files: DataSetFiles, notes: Notes): string[] {
  const file = join(root, list);
  const found: string[] = [];
  readText(file)
    .split(/\r\n|\r|\n/u)
    .forEach((line, index) => {
      if (line.trim() === '') return;
      const picture = listedPicture(line.trim(), folderOf(list), files);
      if (picture !== undefined) found.push(picture);
      else
        notes.add(
          'listed pictures that are missing',
          `${file}, line ${index + 1}: ${line.trim()} is not in ${root}; left out`,
        );
    });
  return found;
}

function listedPicture(line: string, folder: string, files: DataSetFiles): string | undefined {
  const parts = partsOf(line);
  const bare = parts.filter((part) => part !== '..');
  const candidates = [normalized([...partsOf(folder), ...parts]), normalized(parts)];
  for (let start = 0; start < bare.length; start++) candidates.push(bare.slice(start).join('/'));
  for (const candidate of candidates) {
    const found = candidate === undefined ? undefined : files.at(candidate);
    if (found !== undefined && isPictureName(found)) return found;
  }
  const named = files.picturesNamed(bare.at(-1) ?? '');
  return named.length === 1 ? named[0] : undefined;
}

/** Darknet's lists; undefined where there are none for training. */
function splitsOfLists(root: string, files: DataSetFiles, notes: Notes): Record<Split, string[]> | undefined {
  const splits: Record<Split, string[]> = { train: [], val: [], test: [] };
  for (const file of files.files) {
    const split = /\.txt$/iu.test(file) ? splitOfName(withoutEnding(baseName(file))) : undefined;
    if (split === undefined) continue;
    const first = readText(join(root, file))
      .trim()
      .split(/\r\n|\r|\n/u)[0]!;
    if (isPictureName(first)) append(splits[split], readList(root, file, files, notes));
  }
  if (splits.train.length === 0) return undefined;
  const used = new Set(Object.values(splits).flat());
  const left = files.pictures.filter((picture) => !used.has(picture) && labelFileOf(picture, files) !== undefined);
  if (left.length > 0)
    notes.add(
      'pictures in no split',
      `${left.length} pictures with labels are in no list and left out (${someOf(left)})`,
    );
  return splits;
}

interface FolderSplits {
  readonly splits: Record<Split, string[]>;
  /** Pictures in folders that are called like no split. */
  readonly unsaid: string[];
}

function picturesByFolder(files: DataSetFiles): FolderSplits {
  const folders = new Map<string, string[]>();
  for (const picture of files.pictures) {
    const folder = folderOf(picture);
    const own = folders.get(folder);
    if (own === undefined) folders.set(folder, [picture]);
    else own.push(picture);
  }
  const splits: Record<Split, string[]> = { train: [], val: [], test: [] };
  const unsaid: string[] = [];
  for (const [folder, pictures] of folders) {
    const parts = folder.split('/');
    // A folder of pictures without labels may be a test set, where it lies as one; others have nothing to do with it.
    const isUsual = parts.slice(0, 2).some((part) => part.toLowerCase() === 'images');
    if (!isUsual && !pictures.some((picture) => labelFileOf(picture, files) !== undefined)) continue;
    const split = parts.map((part) => splitOfName(part)).find((each) => each !== undefined);
    append(split === undefined ? unsaid : splits[split], pictures);
  }
  return { splits, unsaid };
}

function splitsOfFolders(files: DataSetFiles, notes: Notes): Record<Split, string[]> {
  const { splits, unsaid } = picturesByFolder(files);
  if (Object.values(splits).every((pictures) => pictures.length === 0)) return { ...splits, train: unsaid };
  if (unsaid.length > 0) {
    notes.add(
      'pictures in no split',
      `${unsaid.length} pictures lie in no folder of a split and are left out (${someOf(unsaid)})`,
    );
  }
  return splits;
}

/** A picture of two splits stays in the later one, so that nothing that is held out is trained on. */
function keepApart(splits: Record<Split, string[]>, notes: Notes): Record<Split, string[]> {
  const unique = (pictures: readonly string[]): Set<string> => new Set(pictures);
  const [train, val, test] = [unique(splits.train), unique(splits.val), unique(splits.test)];
  for (const [earlier, later, name, laterName] of [
    [train, val, 'train', 'val'],
    [train, test, 'train', 'test'],
    [val, test, 'val', 'test'],
  ] as const) {
    const both = [...later].filter((picture) => earlier.has(picture));
    if (both.length === 0) continue;
    // Small examples use one folder for everything.
    const isSame = both.length === earlier.size;
    for (const picture of both) (isSame ? later : earlier).delete(picture);
    const kept = isSame ? name : laterName;
    notes.add(
      'pictures of two splits',
      `${both.length} pictures are in ${name} and in ${laterName} (${someOf(both)}); kept in ${kept} alone`,
    );
  }
  return { train: [...train], val: [...val], test: [...test] };
}
