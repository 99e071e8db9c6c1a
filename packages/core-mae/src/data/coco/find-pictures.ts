import { join, relative } from 'node:path';
import type { ReportFault } from '../../contracts/data-fault.js';
import { MaeError } from '../../base/errors.js';
import type { CocoAnnotations } from './annotations.js';
import { baseNamesMeant, nameProblem, pathsMeant } from './picture-names.js';
import { createPictureIndex, type PictureIndex } from './picture-index.js';

export interface PictureSearch {
  /** The data set's folder: nothing that the file says leads out of it. */
  readonly root: string;
  /** Folders where the pictures may lie, likeliest first; all exist. */
  readonly folders: readonly string[];
  /** Whether links may lead out of the data set. */
  readonly followLinks: boolean;
}

export interface FoundPictures {
  /** The folder in which the pictures lie, or the likeliest where none was found. */
  readonly folder: string;
  /** Each picture's path, by its position in the file; undefined where it is not there. */
  readonly paths: ReadonlyArray<string | undefined>;
}

/** Pictures by which the folder is chosen. */
const LOOKED_FOR = 50;

/**
 * Where the pictures of an annotation file are. A picture is what `file_name` names exactly; otherwise what it means
 * with `\` as separator, in Unicode's other form, or as a part of a URL; otherwise the only file of that base name
 * inside the data set. What was not found by its exact name is reported once, with a count.
 */
export function findPictures(annotations: CocoAnnotations, search: PictureSearch, report: ReportFault): FoundPictures {
  const { images, file } = annotations;
  const { root, folders } = search;
  const index = createPictureIndex(root, search.followLinks);
  const ordered = byPicturesFound(images.fileNames, folders, index);
  const folder = ordered[0]!;
  const paths = new Array<string | undefined>(images.size).fill(undefined);
  const repaired: Repaired[] = [];
  for (let image = 0; image < images.size; image++) {
    const name = images.fileNames[image]!;
    const fault = (severity: 'error' | 'warning', code: string, problem: string, action: string): void => {
      report({ severity, code, file, subject: `image ${images.ids[image]!}`, problem, action });
    };
    if (name === '') {
      fault(
        'error',
        'image-without-file-name',
        nameProblem(name)!,
        'file_name is the path inside the folder of pictures',
      );
      continue;
    }
    const found = findOrRefuse(name, ordered, root, index);
    if (found instanceof MaeError) {
      fault(
        'error',
        'path-escapes',
        `its picture ${name}: ${found.what}`,
        found.fix ?? 'copy the picture into the folder',
      );
    } else if ('path' in found) {
      paths[image] = found.path;
      if (!found.isExact) repaired.push({ name, path: found.path });
    } else if (found.length > 1) {
      fault(
        'error',
        'picture-ambiguous',
        `its picture ${name} is not there, and ${found.length} pictures have that name: ${found.slice(0, 3).join(', ')}`,
        'write the path of the one that is meant',
      );
    } else if (nameProblem(name) === undefined) {
      fault(
        'warning',
        'picture-missing',
        `its picture ${name} is not in ${folder}`,
        'left out; add it or remove the entry',
      );
    } else {
      fault('error', 'path-escapes', nameProblem(name)!, 'file_name is the path inside the folder of pictures');
    }
  }
  reportRepaired(repaired, annotations, paths, root, report);
  return { folder, paths };
}

/** The folders, that in which most of the file's first pictures are first. */
function byPicturesFound(names: readonly string[], folders: readonly string[], index: PictureIndex): string[] {
  const looked = names.slice(0, LOOKED_FOR).filter((name) => name !== '');
  const countIn = (folder: string): number =>
    looked.filter((name) => {
      try {
        return pathsMeant(name).some((path) => index.find(folder, path) !== undefined);
      } catch (error) {
        // A link that is refused is named later, for the picture that leads through it.
        if (error instanceof MaeError) return true;
        throw error;
      }
    }).length;
  const counts = new Map(folders.map((folder) => [folder, countIn(folder)]));
  return [...folders].sort((a, b) => counts.get(b)! - counts.get(a)!);
}

/** As `findOne`; a link that leads out of the data set is given as the error that it is. */
function findOrRefuse(...search: Parameters<typeof findOne>): ReturnType<typeof findOne> | MaeError {
  try {
    return findOne(...search);
  } catch (error) {
    if (error instanceof MaeError && error.code === 'PATH_ESCAPES') return error;
    throw error;
  }
}

/** A picture's path, or the paths that share its base name where there is not exactly one. */
function findOne(
  name: string,
  folders: readonly string[],
  root: string,
  index: PictureIndex,
): { readonly path: string; readonly isExact: boolean } | readonly string[] {
  for (const path of pathsMeant(name)) {
    for (const folder of folders) {
      const found = index.find(folder, path);
      if (found !== undefined) return { path: found, isExact: found === join(folder, name) };
    }
  }
  // The split's own folder first: every split may have a picture of the name.
  const places = [...new Set([folders[0]!, root])];
  let others: readonly string[] = [];
  for (const place of places) {
    for (const base of baseNamesMeant(name)) {
      const same = index.named(place, base);
      const path = same.length === 1 ? index.find(place, same[0]!) : undefined;
      if (path !== undefined) return { path, isExact: false };
      if (same.length > 1 && others.length === 0) others = same;
    }
  }
  return others;
}

interface Repaired {
  readonly name: string;
  readonly path: string;
}

/** Says once how many pictures were found by another name than the file's, and names those that became one picture. */
function reportRepaired(
  repaired: readonly Repaired[],
  { images, file }: CocoAnnotations,
  paths: Array<string | undefined>,
  root: string,
  report: ReportFault,
): void {
  const [first] = repaired;
  if (first === undefined) return;
  const nameOf = new Map<string, string>();
  for (const [image, path] of paths.entries()) {
    if (path === undefined) continue;
    const name = images.fileNames[image]!;
    const other = nameOf.get(path);
    nameOf.set(path, name);
    if (other === undefined || other === name) continue;
    paths[image] = undefined;
    report({
      severity: 'error',
      code: 'picture-ambiguous',
      file,
      subject: `image ${images.ids[image]!}`,
      problem: `its picture ${name} is not there, and ${path}, which has that name, is ${other} already`,
      action: 'add the picture, or write the path of the one that is meant',
    });
  }
  report({
    severity: 'warning',
    code: 'picture-name-repaired',
    file,
    subject: repaired.length === 1 ? '1 picture' : `${repaired.length} pictures`,
    problem: `${repaired.length === 1 ? 'is' : 'are'} not where file_name says, such as ${first.name}`,
    action: `taken by name inside the data set: ${relative(root, first.path)}`,
  });
}
