import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MaeError } from '../../base/errors.js';
import { foldersIn, isFolder } from '../../base/listing.js';
import { shellWord } from '../../base/shell-command.js';
import { splitOfName } from './split-names.js';

/** A layout that is not read as it is, but converted first. */
export interface ForeignLayout {
  /** "Pascal VOC". */
  readonly name: string;
  /** What it was told by. */
  readonly reason: string;
  /** The command that converts it. */
  readonly command: string;
}

/** What a folder of another tool's annotations is, told by the content of one of them; undefined where it is none. */
export function foreignLayout(path: string): ForeignLayout | undefined {
  if (!isFolder(path)) return undefined;
  const voc = vocFile(path);
  if (voc !== undefined) return foreign('Pascal VOC', 'voc', voc, path);
  const yolo = yoloFile(path);
  return yolo === undefined ? undefined : foreign('YOLO', 'yolo', yolo, path);
}

/** @throws MaeError `DATA_INVALID` with the command that converts it, where a folder is of another tool's layout */
export function requireNativeLayout(path: string): void {
  const found = foreignLayout(path);
  if (found === undefined) return;
  throw new MaeError('DATA_INVALID', {
    what: `this is a ${found.name} data set (by ${found.reason}), which is not read as it is`,
    where: path,
    fix: `convert it, its pictures stay where they are: ${found.command}`,
  });
}

function foreign(name: string, from: string, reason: string, path: string): ForeignLayout {
  return { name, reason, command: `mae-tasks data convert ${shellWord(path)} --from ${from}` };
}

/** An XML file of objects, in VOC's `Annotations/`. */
function vocFile(path: string): string | undefined {
  const folder = join(path, 'Annotations');
  const name = firstFile(folder, '.xml');
  if (name === undefined) return undefined;
  return readFileSync(join(folder, name), 'utf8').includes('<annotation') ? `Annotations/${name}` : undefined;
}

/** A text of classes and boxes in YOLO's `labels/` or `<split>/labels/`, or the file that names the classes. */
function yoloFile(path: string): string | undefined {
  const isSplit = (name: string): boolean => splitOfName(name) !== undefined;
  const folders = [
    ...foldersIn(join(path, 'labels'))
      .filter(isSplit)
      .map((split) => `labels/${split}`),
    ...foldersIn(path)
      .filter(isSplit)
      .map((split) => `${split}/labels`),
    ...(isFolder(join(path, 'images')) ? ['labels'] : []),
  ];
  for (const folder of folders) {
    const name = firstFile(join(path, folder), '.txt');
    if (name === undefined) continue;
    const [line = ''] = readFileSync(join(path, folder, name), 'utf8')
      .trim()
      .split(/\r?\n/u);
    const numbers = line.split(/\s+/u);
    // A picture without objects has an empty text.
    if (line === '' || (numbers.length >= 5 && numbers.every((text) => Number.isFinite(Number(text))))) {
      return `${folder}/${name}`;
    }
  }
  const named = ['data.yaml', 'dataset.yaml'].find((name) => existsSync(join(path, name)));
  const isNamed = named !== undefined && /^names\s*:/mu.test(readFileSync(join(path, named), 'utf8'));
  return isNamed && folders.some((folder) => isFolder(join(path, folder))) ? named : undefined;
}

function firstFile(folder: string, ending: string): string | undefined {
  if (!isFolder(folder)) return undefined;
  return readdirSync(folder)
    .filter((name) => name.toLowerCase().endsWith(ending))
    .sort()[0];
}
