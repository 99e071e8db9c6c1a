import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MaeError } from '../../base/errors.js';
import { isFolder } from '../../base/listing.js';

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
  /** Folders where the pictures may lie, likeliest first; all exist. */
  readonly imageFolders: readonly string[];
}

interface Candidate {
  readonly split: string;
  /** As the file writes it: `train2017`. */
  readonly rawSplit: string;
  readonly file: string;
}

const SYNONYMS: Readonly<Record<string, string>> = {
  valid: 'val',
  validation: 'val',
  training: 'train',
  testing: 'test',
};
/** Names that label tools give to the single file of a data set. */
const WHOLE_FILES = ['annotations.json', '_annotations.coco.json', 'instances.json', 'labels.json', 'result.json'];

/** Names of the splits under a folder in COCO's layout or a common relative of it, `train` first. */
export function cocoSplits(path: string): string[] {
  if (isFile(path)) return [];
  const names = [...new Set(candidates(path).map(({ split }) => split))];
  return names.sort((a, b) => Number(b === 'train') - Number(a === 'train') || (a < b ? -1 : 1));
}

/** Whether there is a file of annotations at a usual place; its content is not read. */
export function looksLikeCoco(path: string): boolean {
  return isFile(path) ? path.endsWith('.json') : candidates(path).length > 0 || wholeFile(path) !== undefined;
}

/**
 * Where a data set's annotations and pictures lie: `annotations/instances_<split>[year].json` with `images/<split>`
 * or `<split>[year]` (COCO), `<split>/_annotations.coco.json` with the pictures beside it (Roboflow), a single file
 * with pictures around it, or a JSON file named directly.
 *
 * @throws MaeError `DATA_NOT_FOUND` naming what was looked for.
 */
export function locateCoco(path: string, options: CocoLayoutOptions = {}): CocoLayout {
  const { file, root, rawSplit, split } = findAnnotations(path, options);
  const images = options.images === undefined ? undefined : [options.images, join(root, options.images)];
  const usual = images ?? [
    ...[rawSplit, split]
      .filter((name) => name !== '')
      .flatMap((name) => [join(root, 'images', name), join(root, name)]),
    join(root, 'images'),
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
  return { annotationFile: file, imageFolders };
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
    const root = isFile(path) ? (folder.endsWith('annotations') ? dirname(folder) : folder) : path;
    const known = candidates(root).find((candidate) => candidate.file === file);
    return { file, root, rawSplit: known?.rawSplit ?? split ?? '', split: known?.split ?? split ?? '' };
  }
  const found = candidates(path);
  const splits = cocoSplits(path);
  const wanted = split ?? splits[0];
  const match = found.find((candidate) => candidate.split === wanted || candidate.rawSplit === wanted);
  if (match !== undefined) return { ...match, root: path };
  const whole = wholeFile(path);
  if (found.length === 0 && whole !== undefined && (split === undefined || split === 'train')) {
    return { file: whole, root: path, rawSplit: '', split: '' };
  }
  throw new MaeError('DATA_NOT_FOUND', {
    what: split === undefined ? 'there is no annotation file' : `there are no annotations of the split "${split}"`,
    where: path,
    fix:
      splits.length === 0
        ? 'a COCO folder has annotations/instances_train.json; name another file by `data.annotations`'
        : `it has ${splits.join(', ')}`,
  });
}

function candidates(root: string): Candidate[] {
  const found: Candidate[] = [];
  const add = (file: string, rawSplit: string): void => {
    const bare = rawSplit.replace(/20\d\d$/u, '');
    found.push({ file, rawSplit, split: SYNONYMS[bare] ?? bare });
  };
  for (const folder of [join(root, 'annotations'), root]) {
    for (const name of namesIn(folder)) {
      const split =
        /^instances_(.+)\.json$/u.exec(name)?.[1] ?? /^((?:train|val|valid|test)(?:20\d\d)?)\.json$/u.exec(name)?.[1];
      if (split !== undefined) add(join(folder, name), split);
    }
  }
  for (const name of foldersIn(root)) {
    const file = join(root, name, '_annotations.coco.json');
    if (isFile(file)) add(file, name);
  }
  return found;
}

function wholeFile(root: string): string | undefined {
  return WHOLE_FILES.flatMap((name) => [join(root, name), join(root, 'annotations', name)]).find(isFile);
}

function namesIn(folder: string): string[] {
  return isFolder(folder) ? readdirSync(folder).sort() : [];
}

function foldersIn(folder: string): string[] {
  if (!isFolder(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
