import { statSync } from 'node:fs';
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
  /** Sorted by code unit, the same on every file system. Hidden files and folders are left out. */
  readonly files: readonly string[];
  /** Links that lead nowhere or back to a folder they are in. */
  readonly warnings: readonly string[];
}

/**
 * Every file under a folder, recursively. Symbolic links are followed as long as they stay inside.
 *
 * @throws MaeError `DATA_NOT_FOUND` where the folder is missing or unreadable, `PATH_ESCAPES` naming a link that leads
 * out of it
 */
export async function listFiles(folder: string): Promise<Listing> {
  let root: string;
  try {
    root = await realpath(folder);
    if (!(await stat(root)).isDirectory()) throw new Error('it is a file');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new MaeError('DATA_NOT_FOUND', {
      what: missing ? 'there is no such folder' : `this is not a folder that can be read (${messageOf(cause)})`,
      where: folder,
      fix: 'give the path of a folder of pictures',
      cause,
    });
  }
  const files: string[] = [];
  const warnings: string[] = [];
  await walk({ root, files, warnings }, '', root, [root]);
  return { files: files.sort(byCodeUnit), warnings };
}

/** @throws MaeError `PATH_ESCAPES` where the real path `target`, to which `link` leads, is not inside the real path `root` */
export function checkInside(root: string, target: string, link: string): void {
  if (target === root || target.startsWith(root.endsWith(sep) ? root : root + sep)) return;
  throw new MaeError('PATH_ESCAPES', {
    what: `the link leads out of the data set, to ${target}`,
    where: link,
    fix: 'copy what it leads to into the folder, or give that folder itself',
  });
}

/** Order of strings by code unit: independent of language and file system. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Walk {
  readonly root: string;
  readonly files: string[];
  readonly warnings: string[];
}

/** @param ancestors real paths of the folders on the way here, by which a loop of links is seen */
async function walk(state: Walk, relative: string, folder: string, ancestors: readonly string[]): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
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
  checkInside(state.root, target, join(state.root, name));
  if (ancestors.includes(target)) {
    state.warnings.push(`${name}: the link leads back to a folder that it is in and was left out`);
  } else if ((await stat(target)).isDirectory()) {
    await walk(state, name, target, [...ancestors, target]);
  } else {
    state.files.push(name);
  }
}
