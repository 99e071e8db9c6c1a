import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { MaeError } from '../../base/errors.js';
import { checkInside, isFolder, isHiddenName } from '../../base/listing.js';
import { isPictureName } from '../../base/picture-names.js';

/** What lies in a data set's folders, each read once. */
export interface PictureIndex {
  /**
   * The path of a file relative to a folder, found by its exact name or by one that differs in Unicode's form alone;
   * undefined where there is none.
   *
   * @throws MaeError `PATH_ESCAPES` where it is a link out of the data set, or lies in a folder that is one
   */
  find(folder: string, path: string): string | undefined;
  /** The pictures under a folder whose own name is this, by exact name, else regardless of case; relative to it. */
  named(folder: string, baseName: string): readonly string[];
}

interface FolderEntries {
  /** By exact name. */
  readonly entries: ReadonlyMap<string, Dirent>;
  /** By name in Unicode's composed form; undefined for one that several have. */
  readonly composed: ReadonlyMap<string, string | undefined>;
}

/** @param followLinks whether links may lead out of the data set, whose folder is `root` */
export function createPictureIndex(root: string, followLinks: boolean): PictureIndex {
  const realRoot = realpathSync(root);
  const folders = new Map<string, FolderEntries>();
  const trees = new Map<string, ReadonlyMap<string, readonly string[]>>();

  const requireInside = (path: string): void => {
    if (!followLinks) checkInside(realRoot, realpathSync(path), path);
  };

  const entriesOf = (folder: string): FolderEntries => {
    const known = folders.get(folder);
    if (known !== undefined) return known;
    const read = readFolder(folder);
    if (read.entries.size > 0) requireInside(folder);
    folders.set(folder, read);
    return read;
  };

  const find = (folder: string, path: string): string | undefined => {
    let place = folder;
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    for (const [index, part] of parts.entries()) {
      const { entries, composed } = entriesOf(place);
      const name = entries.has(part) ? part : composed.get(part.normalize('NFC'));
      if (name === undefined) return undefined;
      const entry = entries.get(name)!;
      place = join(place, name);
      const isLast = index === parts.length - 1;
      if (entry.isSymbolicLink()) {
        const target = statSync(place, { throwIfNoEntry: false });
        if (target === undefined) return undefined;
        requireInside(place);
        if (target.isDirectory() === isLast) return undefined;
      } else if (entry.isDirectory() === isLast) return undefined;
    }
    return parts.length === 0 ? undefined : place;
  };

  const named = (folder: string, baseName: string): readonly string[] => {
    const tree = trees.get(folder) ?? treeOf(folder);
    trees.set(folder, tree);
    const exact = tree.get(`=${baseName.normalize('NFC')}`);
    return exact ?? tree.get(`~${caseless(baseName)}`) ?? [];
  };

  const treeOf = (folder: string): ReadonlyMap<string, readonly string[]> => {
    const byName = new Map<string, string[]>();
    const add = (key: string, path: string): void => {
      const paths = byName.get(key);
      if (paths === undefined) byName.set(key, [path]);
      else paths.push(path);
    };
    const visit = (place: string, relative: string, ancestors: readonly string[]): void => {
      const real = safeRealpath(place);
      if (real === undefined || ancestors.includes(real)) return;
      for (const [name, entry] of readFolder(place).entries) {
        if (isHiddenName(name)) continue;
        const path = posix.join(relative, name);
        const full = join(place, name);
        // A link out of the data set is met again, and refused, where a picture is found through it.
        const isDirectory = entry.isSymbolicLink() ? isFolder(full) : entry.isDirectory();
        if (isDirectory) visit(full, path, [...ancestors, real]);
        else if (isPictureName(name)) {
          add(`=${name.normalize('NFC')}`, path);
          add(`~${caseless(name)}`, path);
        }
      }
    };
    visit(folder, '', []);
    return byName;
  };

  return { find, named };
}

function readFolder(folder: string): FolderEntries {
  let list: Dirent[];
  try {
    list = readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { entries: new Map(), composed: new Map() };
    throw new MaeError('DATA_NOT_FOUND', {
      what: `the folder cannot be read (${code ?? 'unknown reason'})`,
      where: folder,
      fix: 'check its permissions',
      cause,
    });
  }
  const entries = new Map<string, Dirent>();
  const composed = new Map<string, string | undefined>();
  for (const entry of list) {
    entries.set(entry.name, entry);
    const key = entry.name.normalize('NFC');
    composed.set(key, composed.has(key) ? undefined : entry.name);
  }
  return { entries, composed };
}

function safeRealpath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function caseless(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
