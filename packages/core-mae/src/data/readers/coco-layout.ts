import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MaeError } from '../../base/errors.js';
import { foldersIn, isFolder, namesIn } from '../../base/listing.js';
import { bySplitOrder, splitOfName, withoutYear } from './split-names.js';

export interface CocoLayoutOptions {
  /** `train`, `val`, `test` or another name. Default `train`, or the only one there is. */
  readonly split?: string;
  /** The annotation file, where it does not lie at a usual place. */
  readonly annotations?: string;
  /** The folder that `file_name` is relative to, where it is not a usual one. */
  readonly images?: string;
}

export interface CocoLayout {
  readonly annotationFile: string;
  /** The data set's folder, out of which nothing leads. */
  readonly root: string;
  /** Folders where the pictures may lie, likeliest first; all exist. */
  readonly imageFolders: readonly string[];
}

interface Candidate {
  readonly split: string;
  /** As the file writes it: `train2017`. */
  readonly rawSplit: string;
  readonly file: string;
}

/** Names that label tools give to the single file of a data set. */
const WHOLE_FILES = [
  'annotations.json',
  '_annotations.coco.json',
  'instances.json',
  'instances_default.json',
  'labels.json',
  'result.json',
  'coco.json',
];
/** Names that say enough; of others the content decides. */
const OWN_NAMES = new Set(['_annotations.coco.json', 'instances.json', 'instances_default.json']);
/** Words around a split's name in a file's, and those that say that it is of something else. */
const PLAIN_WORDS = new Set([
  'instances',
  'annotations',
  'annotation',
  'coco',
  'labels',
  'bbox',
  'detection',
  'detections',
]);

/**
 * Names of the splits under a folder in COCO's layout or a common relative of it, `train` first. Two files of one split
 * go by the names that the files have: `train2014`, `train2017`.
 */
export function cocoSplits(path: string): string[] {
  if (isFile(path)) return [];
  const found = candidates(path);
  const isShared = (split: string): boolean => found.filter((each) => each.split === split).length > 1;
  const names = found.map(({ split, rawSplit }) => (isShared(split) ? rawSplit : split));
  return [...new Set(names)].sort(bySplitOrder);
}

/** Whether there is a file of annotations: by its name where that is COCO's own, otherwise by its first bytes. */
export function looksLikeCoco(path: string): boolean {
  if (isFile(path)) return path.toLowerCase().endsWith('.json');
  return candidates(path).length > 0 || wholeFile(path) !== undefined;
}

/**
 * Where a data set's annotations and pictures lie: `annotations/instances_<split>[year].json` with `images/<split>`
 * or `<split>[year]` (COCO, CVAT), `<split>/_annotations.coco.json` with the pictures beside it (Roboflow), a single file
 * with pictures around it, or a JSON file named directly. Splits are called by the names of `splitOfName`, in any case.
 *
 * @throws MaeError `DATA_NOT_FOUND` naming what was looked for, also where there are splits and none is for training.
 */
export function locateCoco(path: string, options: CocoLayoutOptions = {}): CocoLayout {
  const { file, root, rawSplit, split } = findAnnotations(path, options);
  const images = options.images === undefined ? undefined : [join(root, options.images), options.images];
  const names = [...new Set([rawSplit, split])].filter((name) => name !== '');
  const usual = images ?? [
    ...names.flatMap((name) => [join(root, 'images', name), join(root, name)]),
    ...namedLike(join(root, 'images'), split),
    ...namedLike(root, split),
    join(root, 'images'),
    join(root, 'JPEGImages'),
    join(root, 'data'),
    dirname(file),
    root,
  ];
  const imageFolders = [...new Set(usual)].filter(isFolder);
  if (imageFolders.length === 0) {
    throw new MaeError('DATA_NOT_FOUND', {
      what: `there is no folder of pictures ${options.images ?? ''}`.trim(),
      where: root,
      fix: 'name it by `data.images`',
    });
  }
  return { annotationFile: file, root, imageFolders };
}

/** Folders whose names stand for the split: `Validation` for `val`. */
function namedLike(folder: string, split: string): string[] {
  const wanted = splitOfName(split);
  if (wanted === undefined) return [];
  return foldersIn(folder)
    .filter((name) => splitOfName(name) === wanted)
    .map((name) => join(folder, name));
}

interface Found {
  readonly file: string;
  readonly root: string;
  readonly rawSplit: string;
  readonly split: string;
}

function findAnnotations(path: string, { split, annotations }: CocoLayoutOptions): Found {
  const named = annotations ?? (isFile(path) ? path : undefined);
  if (named !== undefined) {
    const file = isFile(named) || annotations === undefined ? named : join(path, named);
    const folder = dirname(file);
    const root = isFile(path) ? (/annotations$/iu.test(folder) ? dirname(folder) : folder) : path;
    const known = candidates(root).find((candidate) => candidate.file === file);
    return { file, root, rawSplit: known?.rawSplit ?? split ?? '', split: known?.split ?? split ?? '' };
  }
  const found = candidates(path);
  const whole = wholeFile(path);
  if (found.length === 0 && whole !== undefined && (split === undefined || split === 'train')) {
    return { file: whole, root: path, rawSplit: '', split: '' };
  }
  const match = chooseCandidate(found, split, path);
  if (match !== undefined) return { ...match, root: path };
  const names = cocoSplits(path).join(', ');
  throw new MaeError('DATA_NOT_FOUND', {
    what:
      split === undefined
        ? names === ''
          ? 'there is no annotation file'
          : `none of the splits is for training (there is ${names})`
        : `there are no annotations of the split "${split}"`,
    where: path,
    fix:
      names === ''
        ? 'a COCO folder has annotations/instances_train.json; name another file by `data.annotations`'
        : split === undefined
          ? 'name the one to train on by `data.split`, or its file by `data.annotations`'
          : `it has ${names}`,
  });
}

/** @throws MaeError `CONFIG_INVALID` where two files are of the split */
function chooseCandidate(found: readonly Candidate[], split: string | undefined, path: string): Candidate | undefined {
  const exact = found.filter(({ rawSplit }) => rawSplit === split);
  const wanted = split === undefined ? 'train' : (splitOfName(split) ?? split);
  const same = exact.length > 0 ? exact : found.filter(({ split: each }) => each === wanted);
  // Where there is one file only, and it is not called like a part, it is the whole.
  const [only] = found;
  const isWhole =
    split === undefined && found.length === 1 && only !== undefined && splitOfName(only.split) === undefined;
  const matches = same.length === 0 && isWhole ? found : same;
  if (matches.length < 2) return matches[0];
  throw new MaeError('CONFIG_INVALID', {
    what: `there are ${matches.length} annotation files of the split "${wanted}": ${matches.map(({ file }) => file).join(', ')}`,
    where: path,
    fix: `say which by \`data.split\` (${matches.map(({ rawSplit }) => rawSplit).join(', ')}) or \`data.annotations\``,
  });
}

function candidates(root: string): Candidate[] {
  const found: Candidate[] = [];
  const add = (file: string, rawSplit: string): void => {
    found.push({ file, rawSplit, split: splitOfName(rawSplit) ?? withoutYear(rawSplit) });
  };
  const folders = [...new Set([...namesIn(root).filter((name) => /^annotations$/iu.test(name)), ''])];
  for (const folder of folders.map((name) => join(root, name)).filter(isFolder)) {
    for (const name of namesIn(folder)) {
      const file = join(folder, name);
      const own = /^instances_(.+)\.json$/iu.exec(name)?.[1];
      const split = own === 'default' ? undefined : (own ?? splitInName(name));
      if (split !== undefined && isFile(file) && (own !== undefined || holdsCoco(file))) add(file, split);
    }
  }
  for (const name of foldersIn(root)) {
    if (splitOfName(name) === undefined && !isFile(join(root, name, '_annotations.coco.json'))) continue;
    const file = wholeFileIn([join(root, name)]);
    if (file !== undefined) add(file, name);
  }
  return found;
}

/** `train` in `Train_annotations.json`, `val2017` in `val2017.json`; nothing where other words say what it is of. */
function splitInName(name: string): string | undefined {
  if (!/\.json$/iu.test(name)) return undefined;
  const words = name.slice(0, -'.json'.length).split(/[-_. ]+/u);
  const splits = words.filter((word) => splitOfName(word) !== undefined);
  const others = words.filter((word) => splitOfName(word) === undefined);
  return splits.length === 1 && others.every((word) => PLAIN_WORDS.has(word.toLowerCase())) ? splits[0] : undefined;
}

function wholeFile(root: string): string | undefined {
  return wholeFileIn([root, join(root, 'annotations')]);
}

function wholeFileIn(folders: readonly string[]): string | undefined {
  return WHOLE_FILES.flatMap((name) => folders.map((folder) => ({ name, file: join(folder, name) }))).find(
    ({ name, file }) => isFile(file) && (OWN_NAMES.has(name) || holdsCoco(file)),
  )?.file;
}

/** Bytes at a file's beginning and end in which COCO's keys are looked for. */
const LOOKED_AT_BYTES = 1 << 16;

/** Whether a JSON file begins or ends like a COCO file. */
function holdsCoco(file: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return false;
  }
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(LOOKED_AT_BYTES);
    const textAt = (position: number): string =>
      bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, position));
    const text = textAt(0) + textAt(Math.max(0, size - LOOKED_AT_BYTES));
    const keys = ['"images"', '"annotations"', '"categories"'].filter((key) => text.includes(key));
    return /^[\s\u00ef\u00bb\u00bf]*\{/u.test(text) && keys.length > 0;
  } finally {
    closeSync(descriptor);
  }
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
