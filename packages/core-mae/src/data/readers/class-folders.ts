import { MaeError } from '../../base/errors.js';
import { byCodeUnit } from '../../base/listing.js';
import { largest, smallest } from '../../base/long-lists.js';

/** The folders that are classes. */
export interface ClassFolders {
  /** Paths below the data set's folder, sorted by code unit; none lies inside another. */
  readonly folders: readonly string[];
  /** What the classes are called: the folders' paths, without the folders that all of them lie in. */
  readonly names: readonly string[];
  /** Which folders were taken and why, in a few words. */
  readonly reason: string;
}

/**
 * The folders that are classes, told by where the pictures lie: a picture's class is the outermost folder on its path
 * that has pictures of its own. `a/1.jpg` is of the class `a`, and so is `a/sub/2.jpg` beside it; `Fruit/Apple/1.jpg`
 * is of `Fruit/Apple` where no picture lies in `Fruit` itself.
 *
 * @param pictures paths with `/`, each in some folder
 * @param level takes the folders this many levels down instead, counted from 1
 * @throws MaeError `DATA_INVALID` naming a picture that lies above the level
 */
export function classFolders(pictures: readonly string[], level: number | undefined, where: string): ClassFolders {
  const holders = new Set(pictures.map(folderOf));
  const folders = level === undefined ? outermost(holders) : atLevel(pictures, level, where);
  const common = commonDepth(folders);
  return {
    folders,
    names: folders.map((folder) => folder.split('/').slice(common).join('/')),
    reason: level === undefined ? reasonOf(folders, holders) : `at \`data.classLevel\` (=${level})`,
  };
}

/** The index of the class folder that a picture lies in; undefined for none. */
export function classFinder({ folders }: ClassFolders): (picture: string) => number | undefined {
  const indices = new Map(folders.map((folder, index) => [folder, index]));
  return (picture) => {
    for (let end = picture.indexOf('/'); end >= 0; end = picture.indexOf('/', end + 1)) {
      const index = indices.get(picture.slice(0, end));
      if (index !== undefined) return index;
    }
    return undefined;
  };
}

function folderOf(picture: string): string {
  return picture.slice(0, picture.lastIndexOf('/'));
}

function outermost(holders: ReadonlySet<string>): string[] {
  const isInside = (folder: string): boolean => {
    for (let end = folder.lastIndexOf('/'); end > 0; end = folder.lastIndexOf('/', end - 1)) {
      if (holders.has(folder.slice(0, end))) return true;
    }
    return false;
  };
  return [...holders].filter((folder) => !isInside(folder)).sort(byCodeUnit);
}

function atLevel(pictures: readonly string[], level: number, where: string): string[] {
  const folders = new Set<string>();
  for (const picture of pictures) {
    const parts = picture.split('/');
    if (parts.length <= level) {
      throw new MaeError('DATA_INVALID', {
        what: `the picture ${picture} lies ${levels(parts.length - 1)} deep, above \`data.classLevel\` (=${level})`,
        where,
        fix: 'leave `data.classLevel` out to take the folders that the pictures lie in, or move the picture',
      });
    }
    folders.add(parts.slice(0, level).join('/'));
  }
  return [...folders].sort(byCodeUnit);
}

/** How many leading folders all paths share, besides their last part. */
function commonDepth(folders: readonly string[]): number {
  const [first = [], ...rest] = folders.map((folder) => folder.split('/'));
  let depth = 0;
  const shares = (parts: readonly string[]): boolean => parts.length > depth + 1 && parts[depth] === first[depth];
  while (first.length > depth + 1 && rest.every(shares)) depth++;
  return depth;
}

function reasonOf(folders: readonly string[], holders: ReadonlySet<string>): string {
  const depths = folders.map((folder) => folder.split('/').length);
  const [least, most] = [smallest(depths), largest(depths)];
  const parts: string[] = [];
  if (most > 1) {
    const deepest = folders[depths.indexOf(most)]!;
    const depth = least === most ? levels(most) : `${least} to ${levels(most)}`;
    const above = new Set(folders.map((folder) => folder.split('/')[0])).size;
    parts.push(`${depth} deep, where the pictures lie (${deepest})`);
    parts.push(`the outermost folders, \`data.classLevel\` 1, would be ${above} ${above === 1 ? 'class' : 'classes'}`);
  }
  const classes = new Set(folders);
  const inside = [...holders].filter((folder) => !classes.has(folder)).sort(byCodeUnit);
  if (inside.length > 0) {
    const more = inside.length > 1 ? ` and ${inside.length - 1} more` : '';
    parts.push(`pictures of folders inside a class's belong to it (${inside[0]!}${more})`);
  }
  return parts.join('; ');
}

function levels(count: number): string {
  return count === 1 ? '1 level' : `${count} levels`;
}
