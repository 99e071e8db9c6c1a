import { foldedName } from '../../../base/folded-name.js';
import { byCodeUnit, listFiles } from '../../../base/listing.js';
import { isPictureName } from '../../../base/picture-names.js';

/** The files of a data set on disk, found by path, name or stem in constant time. Paths are below its folder, with `/`. */
export interface DataSetFiles {
  readonly files: readonly string[];
  readonly pictures: readonly string[];
  readonly warnings: readonly string[];
  /** The file at this path; where none is, the only one at it with case and form of Unicode ignored. */
  at(path: string): string | undefined;
  /** The picture of this path without its ending, whichever ending it has, case ignored; all where there are several. */
  picturesOfStem(pathWithoutEnding: string): readonly string[];
  /** Pictures of this name in any folder, case ignored. */
  picturesNamed(baseName: string): readonly string[];
  /** Whether a file lies in this folder or below it. */
  hasFolder(path: string): boolean;
  /** Folders right inside this one, sorted. */
  foldersIn(path: string): readonly string[];
}

/** @throws MaeError as `listFiles` */
export async function openDataSetFiles(root: string, followLinks = false): Promise<DataSetFiles> {
  const listing = await listFiles(root, { followLinks });
  // What macOS packs beside each file holds no pictures of its own.
  const files = listing.files.filter((file) => !file.split('/').includes('__MACOSX'));
  const pictures = files.filter(isPictureName);
  const exact = new Set(files);
  const folded = groupBy(files, foldedName);
  const stems = groupBy(pictures, (file) => foldedName(withoutEnding(file)));
  const names = groupBy(pictures, (file) => foldedName(baseName(file)));
  const folders = new Map<string, Set<string>>([['', new Set()]]);
  for (const file of files) {
    let parent = '';
    for (let end = file.indexOf('/'); end >= 0; end = file.indexOf('/', end + 1)) {
      const folder = file.slice(0, end);
      folders.get(parent)!.add(folder.slice(folder.lastIndexOf('/') + 1));
      if (!folders.has(folder)) folders.set(folder, new Set());
      parent = folder;
    }
  }
  return {
    files,
    pictures,
    warnings: listing.warnings,
    at(path) {
      if (exact.has(path)) return path;
      const alike = folded.get(foldedName(path)) ?? [];
      return alike.length === 1 ? alike[0] : undefined;
    },
    picturesOfStem(stem) {
      const found = stems.get(foldedName(stem)) ?? [];
      const own = found.filter((file) => withoutEnding(file) === stem);
      return own.length > 0 ? own : found;
    },
    picturesNamed: (name) => names.get(foldedName(name)) ?? [],
    hasFolder: (path) => folders.has(path),
    foldersIn: (path) => [...(folders.get(path) ?? [])].sort(byCodeUnit),
  };
}

/** The last part of a path with `/`. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folder of a path with `/`; empty at the top. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The path without the ending of its file: `a/b.c.jpg` as `a/b.c`. */
export function withoutEnding(path: string): string {
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') + 1 ? path.slice(0, dot) : path;
}

/** Parts of a path with `/` between them; empty ones left out. */
export function joinPath(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('/');
}

function groupBy(files: readonly string[], keyOf: (file: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const key = keyOf(file);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  return groups;
}
