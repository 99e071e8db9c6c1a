import { join } from 'node:path';
import { foldedName } from '../../../base/folded-name.js';
import { readText } from '../../../base/decode-text.js';
import { byCodeUnit } from '../../../base/listing.js';
import { splitOfName } from '../../readers/split-names.js';
import { baseName, type DataSetFiles, folderOf, withoutEnding } from './data-set-files.js';
import { type Notes, someOf } from './notes.js';
import type { VocDocument } from './voc-pictures.js';

export type Split = 'train' | 'val' | 'test';

/**
 * The split of each XML file: by the lists of `ImageSets/Main` (or another folder in it), or else by a folder called
 * `train`, `valid` … on its path or its picture's; `train` where nothing says. What is in no list has none.
 *
 * @param path the data set's folder
 * @param pictures each file's picture; files without one are in no split
 */
export function vocSplits(
  path: string,
  pictures: ReadonlyMap<VocDocument, string>,
  files: DataSetFiles,
  notes: Notes,
): Map<VocDocument, Split> {
  const splits = new Map<VocDocument, Split>();
  const byRoot = new Map<string, VocDocument[]>();
  for (const document of pictures.keys()) {
    const group = byRoot.get(document.place.root);
    if (group === undefined) byRoot.set(document.place.root, [document]);
    else group.push(document);
  }
  const lists = splitLists(files, notes);
  for (const [root, documents] of byRoot) {
    const own = lists.get(root);
    if (own !== undefined) readLists(path, own, documents, splits, notes);
    else for (const document of documents) splits.set(document, splitByFolder(document, pictures.get(document)!));
  }
  return splits;
}

type ListName = Split | 'trainval';

interface SplitList {
  readonly name: ListName;
  readonly file: string;
}

/** The lists of splits below each folder that has an `ImageSets`: those of one of its folders, `Main` before others. */
function splitLists(files: DataSetFiles, notes: Notes): Map<string, SplitList[]> {
  const byRoot = new Map<string, Map<string, SplitList[]>>();
  for (const file of files.files) {
    if (!/\.txt$/iu.test(file)) continue;
    const parts = folderOf(file).split('/');
    const at = parts.findIndex((part) => /^imagesets?$/iu.test(part));
    const stem = withoutEnding(baseName(file)).toLowerCase();
    const name = stem === 'trainval' ? stem : splitOfName(stem);
    if (at < 0 || name === undefined) continue;
    const root = parts.slice(0, at).join('/');
    const kind = parts.slice(at + 1).join('/');
    const kinds = byRoot.get(root) ?? new Map<string, SplitList[]>();
    byRoot.set(root, kinds);
    kinds.set(kind, [...(kinds.get(kind) ?? []), { name, file }]);
  }
  return new Map(
    [...byRoot].map(([root, kinds]) => {
      const rank = (kind: string): number => (kind.toLowerCase() === 'main' ? 0 : kind === '' ? 1 : 2);
      const [first, ...others] = [...kinds.keys()].sort((a, b) => rank(a) - rank(b) || byCodeUnit(a, b));
      if (others.length > 0) {
        const where = folderOf(kinds.get(first!)![0]!.file);
        notes.add(
          'other lists of splits',
          `the splits are those of ${where}; other lists (${someOf(others)}) are passed over`,
        );
      }
      return [root, kinds.get(first!)!];
    }),
  );
}

function readLists(
  path: string,
  lists: readonly SplitList[],
  documents: readonly VocDocument[],
  splits: Map<VocDocument, Split>,
  notes: Notes,
): void {
  const byName = new Map<string, VocDocument>();
  for (const document of documents) {
    for (const name of [baseName(document.place.stem), document.place.stem]) byName.set(foldedName(name), document);
  }
  const read = (wanted: ListName): Set<VocDocument> | undefined => {
    const own = lists.filter(({ name }) => name === wanted);
    if (own.length === 0) return undefined;
    return new Set(own.flatMap(({ file }) => listed(join(path, file), byName, notes)));
  };
  const [train, val, test, both] = [read('train'), read('val'), read('test'), read('trainval')];
  // The list of training and validation together tells which pictures are the one of them that has no list.
  const rest = (known: ReadonlySet<VocDocument>): Set<VocDocument> =>
    new Set([...(both ?? [])].filter((document) => !known.has(document)));
  const parts: ReadonlyArray<readonly [Split, ReadonlySet<VocDocument>]> = [
    ['train', train ?? rest(new Set([...(val ?? []), ...(test ?? [])]))],
    ['val', val ?? (train === undefined ? new Set() : rest(new Set([...train, ...(test ?? [])])))],
    ['test', test ?? new Set()],
  ];
  for (const [split, members] of parts) {
    for (const document of members) {
      const earlier = splits.get(document);
      if (earlier !== undefined) {
        notes.add(
          'pictures of two splits',
          `${document.file}: is listed for ${earlier} and for ${split}; kept in ${split} alone`,
        );
      }
      splits.set(document, split);
    }
  }
  const without = documents.filter((document) => !splits.has(document)).map(({ file }) => file);
  if (without.length > 0) {
    notes.add(
      'files in no list',
      `${without.length} XML files are in no list of a split and left out (${someOf(without)})`,
    );
  }
}

function listed(file: string, byName: ReadonlyMap<string, VocDocument>, notes: Notes): VocDocument[] {
  const found: VocDocument[] = [];
  readText(file)
    .split(/\r\n|\r|\n/u)
    .forEach((line, index) => {
      const text = line.trim();
      if (text === '') return;
      const document = listedNames(text)
        .map((name) => byName.get(foldedName(name)))
        .find((each) => each !== undefined);
      if (document !== undefined) found.push(document);
      else {
        notes.add(
          'listed names without annotations',
          `${file}, line ${index + 1}: ${text} has no usable annotation file and is left out`,
        );
      }
    });
  return found;
}

/** What a line may call its picture: the whole line, or what stands before a mark such as ` 1` or ` -1`. */
function listedNames(line: string): string[] {
  const plain = [line, line.replace(/\s+-?\d$/u, ''), line.split(/\s/u)[0]!].map((name) => name.replaceAll('\\', '/'));
  return plain.flatMap((name) => [name, name.replace(/\.\w+$/u, ''), baseName(name).replace(/\.\w+$/u, '')]);
}

function splitByFolder(document: VocDocument, picture: string): Split {
  const folders = [...folderOf(document.path).split('/'), ...folderOf(picture).split('/')];
  return folders.map((folder) => splitOfName(folder)).find((split) => split !== undefined) ?? 'train';
}
