import { join } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { readText } from '../../../base/decode-text.js';
import { MaeError, messageOf } from '../../../base/errors.js';
import { MAX_CATEGORIES } from '../../coco/annotations.js';
import { splitOfName } from '../../readers/split-names.js';
import { baseName, type DataSetFiles, folderOf } from './data-set-files.js';
import { type Notes, someOf } from './notes.js';

/** What a YOLO data set says of itself, in its `data.yaml` or in lists of names. */
export interface YoloDataFile {
  /** The file, as messages name it; undefined where the names come from a list. */
  readonly file?: string;
  /** Below the data set's folder; empty for that folder itself. */
  readonly folder: string;
  /** By class; classes may be missing. */
  readonly names: ReadonlyMap<number, string>;
  /** Keypoints of an object and numbers of each, where labels have some. */
  readonly keypoints?: { readonly count: number; readonly numbers: number };
  /** What the other paths are relative to, as written. */
  readonly path?: string;
  readonly splits: readonly YoloSplitPaths[];
}

/** Folders of pictures, or lists of them, of one split. */
export interface YoloSplitPaths {
  readonly split: 'train' | 'val' | 'test';
  readonly paths: ReadonlyArray<{ readonly text: string; readonly line: number }>;
}

/** A file of names is small; beyond this it is something else. */
const MAX_BYTES = 16 << 20;
const NAME_LISTS = /^(?:classes\.txt|_darknet\.labels|[^/]+\.names)$/iu;

/**
 * The names of the classes and the splits: from a YAML file with `names`, or names from `classes.txt`, `obj.names` or
 * another list with a name a line.
 *
 * @throws MaeError `DATA_NOT_FOUND` where there is neither, `DATA_INVALID` naming the file and the line
 */
export function readYoloDataFile(root: string, files: DataSetFiles, notes: Notes): YoloDataFile {
  const yaml = yamlFile(root, files);
  if (yaml !== undefined) return readYaml(root, yaml, files, notes);
  const lists = files.files.filter((file) => NAME_LISTS.test(baseName(file)));
  lists.sort((a, b) => a.split('/').length - b.split('/').length);
  const [list, ...others] = lists;
  if (list === undefined) {
    throw new MaeError('DATA_NOT_FOUND', {
      what: 'there is no data.yaml or classes.txt with the names of the classes',
      where: root,
      fix: 'write a classes.txt with one name a line',
    });
  }
  const names = readNameList(join(root, list), notes);
  // One list for all is the outermost; several as deep, such as one beside each split's pictures, have to agree.
  const differs = others
    .filter((other) => other.split('/').length === list.split('/').length)
    .find((other) => !sameNames(names, readNameList(join(root, other), notes)));
  if (differs !== undefined) {
    throw new MaeError('DATA_INVALID', {
      what: `it has other classes than ${join(root, list)}`,
      where: join(root, differs),
      fix: 'labels need one list of classes: write it as classes.txt in the folder of the data set',
    });
  }
  return { folder: '', names, splits: [] };
}

/** `data.yaml`, or the only other YAML file with names at the top of the data set. */
function yamlFile(root: string, files: DataSetFiles): string | undefined {
  const top = files.files.filter((file) => !file.includes('/') && /\.ya?ml$/iu.test(file));
  const usual = top.find((file) => /^(?:data|dataset)\.ya?ml$/iu.test(file));
  if (usual !== undefined) return usual;
  const named = top.filter((file) =>
    /^\s*["']?names["']?\s*:/mu.test(readText(join(root, file), { maxBytes: MAX_BYTES })),
  );
  if (named.length <= 1) return named[0];
  throw new MaeError('DATA_INVALID', {
    what: `there are several files with names of classes: ${someOf(named)}`,
    where: root,
    fix: 'call the one that counts data.yaml',
  });
}

function readYaml(root: string, name: string, files: DataSetFiles, notes: Notes): YoloDataFile {
  const file = join(root, name);
  const lines = new LineCounter();
  const invalid = (what: string, node?: Node | number, fix = NAMES_FIX): MaeError => {
    const offset = typeof node === 'number' ? node : (node?.range?.[0] ?? 0);
    return new MaeError('DATA_INVALID', { what, where: `${file}, line ${lines.linePos(offset).line || 1}`, fix });
  };
  const text = readText(file, { maxBytes: MAX_BYTES });
  // A parser takes seconds for what nobody's list of classes is: each name ends with its line, or with a comma.
  const numSeparators = countOf(text, '\n') + countOf(text, ',');
  if (numSeparators > 2 * MAX_CATEGORIES) requireFew(numSeparators, (what) => invalid(what, 0));
  let document: ReturnType<typeof parseDocument>;
  try {
    // Keys are compared here: the parser compares each with all others.
    document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  } catch (cause) {
    throw invalid(`the YAML cannot be read (${messageOf(cause)})`, 0, 'write the file again');
  }
  const [error] = document.errors;
  if (error !== undefined)
    throw invalid(`the YAML cannot be read (${plainly(error.message)})`, error.pos[0], 'correct it there');
  const { contents } = document;
  if (!isMap(contents)) throw invalid('it is no map of settings', contents ?? 0);
  const entries = new Map<string, Node | undefined>();
  for (const { key, value } of contents.items) {
    const label = isScalar(key) ? String(key.value) : '';
    if (entries.has(label)) throw invalid(`it has \`${label}\` twice`, key as Node, 'leave one');
    const node = isAlias(value) ? value.resolve(document) : (value as Node | null);
    entries.set(label, node ?? undefined);
  }

  const given = entries.get('names');
  if (given === undefined) throw invalid('it has no names of classes', contents);
  const names = new Map<number, string>();
  const add = (index: number, node: unknown, at: Node): void => {
    const named = isAlias(node) ? node.resolve(document) : node;
    if (!isScalar(named)) throw invalid(`the name of class ${index} is no text`, (node as Node | null) ?? at);
    const label = scalarText(named).trim();
    if (label === '' || named.value === null) throw invalid(`class ${index} has no name`, (node as Node | null) ?? at);
    if (names.has(index)) throw invalid(`class ${index} is named twice`, at);
    names.set(index, label);
  };
  if (isSeq(given)) {
    requireFew(given.items.length, (what) => invalid(what, given));
    given.items.forEach((node, index) => {
      add(index, node, given);
    });
  } else if (isMap(given)) {
    requireFew(given.items.length, (what) => invalid(what, given));
    for (const { key, value } of given.items) {
      const label = isScalar(key) ? String(key.value).trim() : '';
      if (!/^\d{1,9}$/u.test(label)) throw invalid(`the class (=${label}) is no whole number`, key as Node);
      add(Number(label), value, key as Node);
    }
  } else if (isScalar(given) && typeof given.value === 'string') {
    const list = [given.value, baseName(given.value)].map((each) => files.at(each)).find((each) => each !== undefined);
    if (list === undefined)
      throw invalid(`\`names\` (=${given.value}) is no list, and no file of that name is there`, given);
    for (const [index, label] of readNameList(join(root, list), notes)) names.set(index, label);
  } else
    throw invalid(`\`names\` (=${(isScalar(given) && scalarText(given)) || 'nothing'}) is no list of names`, given);

  const nc = entries.get('nc');
  const numClasses = nameCount(names);
  if (nc !== undefined && isScalar(nc) && Number(nc.value) !== numClasses) {
    const what = `\`nc\` (=${scalarText(nc)}) contradicts \`names\`, which has ${numClasses}`;
    throw invalid(what, nc, 'correct the one that is wrong: labels count classes as `names` does');
  }
  if (names.size < numClasses) {
    const missing: string[] = [];
    for (let index = 0; index < numClasses && missing.length < 4; index++)
      if (!names.has(index)) missing.push(String(index));
    notes.add(
      'classes without names',
      `${file}: ${numClasses - names.size} classes have no name and no category (${someOf(missing)})`,
    );
  }
  noteSameNames(names, file, notes);
  const keypoints = keypointsOf(entries.get('kpt_shape'), invalid);
  const path = entries.get('path');
  return {
    file,
    folder: folderOf(name),
    names,
    ...(keypoints === undefined ? {} : { keypoints }),
    ...(path !== undefined && isScalar(path) && typeof path.value === 'string' ? { path: path.value } : {}),
    splits: [...entries].flatMap(([key, node]): YoloSplitPaths[] => {
      const split = splitOfName(key);
      if (split === undefined || node === undefined) return [];
      const items = isSeq(node) ? node.items : [node];
      const paths = items.map((item) => {
        if (!isScalar(item))
          throw invalid(`\`${key}\` is no path and no list of paths`, node, 'give a folder of pictures');
        return { text: scalarText(item).trim(), line: lines.linePos(item.range?.[0] ?? 0).line };
      });
      return [{ split, paths: paths.filter(({ text: each }) => each !== '' && each !== 'null' && each !== '~') }];
    }),
  };
}

const NAMES_FIX = 'it needs "names", a list, or a map from 0, 1, … to names';

/** What a parser says, in one line. */
function plainly(message: string): string {
  return message.split('\n')[0]!.replace(/\.$/u, '');
}

/** As it is written, so that 007 and 1.10 stay names. */
function scalarText(node: { readonly value: unknown; readonly source?: string; readonly type?: unknown }): string {
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

function nameCount(names: ReadonlyMap<number, string>): number {
  let last = -1;
  for (const index of names.keys()) last = Math.max(last, index);
  return last + 1;
}

function countOf(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++;
  return count;
}

function requireFew(count: number, fail: (what: string) => MaeError): void {
  if (count > MAX_CATEGORIES)
    throw fail(`it has some ${count} names of classes, and at most ${MAX_CATEGORIES} are read`);
}

function noteSameNames(names: ReadonlyMap<number, string>, file: string, notes: Notes): void {
  const indexOf = new Map<string, number>();
  for (const [index, name] of names) {
    const other = indexOf.get(name);
    if (other === undefined) indexOf.set(name, index);
    else
      notes.add(
        'classes of one name',
        `${file}: the classes ${other} and ${index} are both called ${name}; kept as two`,
      );
  }
}

function keypointsOf(
  node: Node | undefined,
  invalid: (what: string, node?: Node | number, fix?: string) => MaeError,
): YoloDataFile['keypoints'] {
  if (node === undefined) return undefined;
  const values = isSeq(node) ? node.items.map((item) => (isScalar(item) ? Number(item.value) : 0)) : [];
  const [count = 0, numbers = 0] = values;
  if (values.length !== 2 || !Number.isInteger(count) || count < 1 || (numbers !== 2 && numbers !== 3)) {
    throw invalid('`kpt_shape` is not [number of keypoints, 2 or 3]', node, 'write it as [17, 3], or remove it');
  }
  return { count, numbers };
}

/** A name a line, from class 0. */
function readNameList(file: string, notes: Notes): Map<number, string> {
  const lines = readText(file, { maxBytes: MAX_BYTES }).split(/\r\n|\r|\n/u);
  while (lines.at(-1)?.trim() === '') lines.pop();
  const fail = (what: string, line: number, fix: string): MaeError =>
    new MaeError('DATA_INVALID', { what, where: `${file}, line ${line}`, fix });
  if (lines.length === 0) throw fail('it names no class', 1, 'write one name a line');
  requireFew(lines.length, (what) => fail(what, 1, 'write one name a line'));
  const names = new Map<number, string>();
  lines.forEach((line, index) => {
    if (line.trim() === '')
      throw fail(`class ${index} has no name`, index + 1, 'remove the empty line, or write the name');
    names.set(index, line.trim());
  });
  noteSameNames(names, file, notes);
  return names;
}

function sameNames(a: ReadonlyMap<number, string>, b: ReadonlyMap<number, string>): boolean {
  return a.size === b.size && [...a].every(([index, name]) => b.get(index) === name);
}
