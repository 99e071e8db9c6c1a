import { readdirSync, statSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { MaeError, messageOf } from './errors.js';

/** Whether there is a folder at this path, links followed. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The files under a folder, as paths relative to it with `/`. */
export interface Listing {
  /** Sorted by code unit, the same on every file system. What `isHiddenName` names is left out. */
  readonly files: readonly string[];
  /** Links that lead nowhere or back to a folder they are in. */
  readonly warnings: readonly string[];
}

/** Which symbolic links are followed. */
export interface LinkRules {
  /** The folder that links may not lead out of. Default: the one that is listed. */
  readonly within?: string;
  /** Whether links may lead anywhere. Default false. */
  readonly followLinks?: boolean | undefined;
}

/** Files and folders that systems and archives leave behind and nobody means: `.DS_Store`, `._a.jpg`, `__MACOSX`. */
export function isHiddenName(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX';
}

/** Names of the folders in a folder, links followed and hidden ones left out, sorted by code unit. */
export function foldersIn(folder: string): string[] {
  return namesIn(folder).filter((name) => isFolder(join(folder, name)));
}

/** Names in a folder, hidden ones left out, sorted by code unit; none where it cannot be read. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !isHiddenName(name))
      .sort(byCodeUnit);
  } catch {
    return [];
  }
}

/**
 * Every file under a folder, recursively. Symbolic links are followed as far as the rules allow.
 *
 * @throws MaeError `DATA_NOT_FOUND` where the folder is missing or unreadable, `PATH_ESCAPES` naming a link that leads
 * out of where it may lead
 */
export async function listFiles(folder: string, { within, followLinks = false }: LinkRules = {}): Promise<Listing> {
  let root: string;
  let limit: string;
  try {
    root = await realpath(folder);
    limit = within === undefined ? root : await realpath(within);
    if (!(await stat(root)).isDirectory()) throw new Error('it is a file');
  } catch (cause) {
    throw unreadable(folder, cause);
  }
  if (!followLinks) checkInside(limit, root, folder);
  const files: string[] = [];
  const warnings: string[] = [];
  try {
    await walk({ limit: followLinks ? undefined : limit, folder, files, warnings }, '', root, [root]);
  } catch (cause) {
    if (cause instanceof MaeError) throw cause;
    throw unreadable(folder, cause);
  }
  return { files: files.sort(byCodeUnit), warnings };
}

function unreadable(folder: string, cause: unknown): MaeError {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
  return new MaeError('DATA_NOT_FOUND', {
    what: missing ? 'there is no such folder' : `this is not a folder that can be read (${messageOf(cause)})`,
    where: folder,
    fix: 'give the path of a folder of pictures',
    cause,
  });
}

/** @throws MaeError `PATH_ESCAPES` where the real path `target`, to which `link` leads, is not inside the real path `root` */
export function checkInside(root: string, target: string, link: string): void {
  if (isInside(root, target)) return;
  throw new MaeError('PATH_ESCAPES', {
    what: `the link leads out of the data set, to ${target}`,
    where: link,
    fix: 'give --follow-links (`data.followLinks`) where you trust the data set, or copy what it leads to into the folder',
  });
}

/** Whether the real path `target` is the real path `root` or lies below it. */
export function isInside(root: string, target: string): boolean {
  return target === root || target.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** Order of strings by code unit: independent of language and file system. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Walk {
  /** The real path that links must stay in; undefined where they may lead anywhere. */
  readonly limit: string | undefined;
  /** As it was given, for messages. */
  readonly folder: string;
  readonly files: string[];
  readonly warnings: string[];
}

/** @param ancestors real paths of the folders on the way here, by which a loop of links is seen */
async function walk(state: Walk, relative: string, folder: string, ancestors: readonly string[]): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (isHiddenName(entry.name)) continue;
    const name = relative === '' ? entry.name : `${relative}/${entry.name}`;
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) await follow(state, name, path, ancestors);
    else if (entry.isDirectory()) await walk(state, name, path, [...ancestors, path]);
    else if (entry.isFile()) state.files.push(name);
  }
}

async function follow(state: Walk, name: string, path: string, ancestors: readonly string[]): Promise<void> {
  let target: string;
  try {
    target = await realpath(path);
  } catch {
    state.warnings.push(`${name}: the link leads nowhere and was left out`);
    return;
  }
  if (state.limit !== undefined) checkInside(state.limit, target, join(state.folder, name));
  if (ancestors.includes(target)) {
    state.warnings.push(`${name}: the link leads back to a folder that it is in and was left out`);
  } else if ((await stat(target)).isDirectory()) {
    await walk(state, name, target, [...ancestors, target]);
  } else {
    state.files.push(name);
  }
}
