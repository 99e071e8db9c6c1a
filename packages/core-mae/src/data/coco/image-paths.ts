import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { MaeError } from '../../base/errors.js';
import { checkInside } from '../../base/listing.js';
import type { CocoAnnotations } from './annotations.js';

/**
 * A function that gives the path of a picture by its position in the file. What a file says never leads out of the
 * folder, whether by `..`, an absolute path or a link.
 */
export function imagePaths(annotations: CocoAnnotations, folder: string): (image: number) => string {
  const root = realpathSync(folder);
  return (image) => {
    const name = annotations.images.fileNames[image]!;
    const problem = nameProblem(name);
    const where = `image ${annotations.images.ids[image]!} of ${annotations.file}`;
    if (problem !== undefined) {
      throw new MaeError(name === '' ? 'ANNOTATION_INVALID' : 'PATH_ESCAPES', {
        what: problem,
        where,
        fix: 'file_name is the path of the picture inside the folder of pictures',
      });
    }
    const path = join(root, name);
    // A picture that is missing is reported by whoever decodes it, under the rules for broken pictures.
    if (existsSync(path)) checkInside(root, realpathSync(path), `${where}, ${name}`);
    return path;
  };
}

/** Why a file's name for a picture cannot be used; undefined where it can. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'there is no file_name';
  if (name.includes('\0')) return 'file_name holds a zero byte';
  const parts = name.split(/[/\\]/u);
  if (isAbsolute(name) || /^[A-Za-z]:/u.test(name) || name.startsWith('\\')) {
    return `file_name (=${name}) is an absolute path`;
  }
  return parts.includes('..') ? `file_name (=${name}) leads out of the folder of pictures` : undefined;
}

/** The first folder that holds one of the file's first pictures; where none does, the likeliest. */
export function chooseImageFolder(annotations: CocoAnnotations, folders: readonly string[]): string {
  const names = annotations.images.fileNames.slice(0, 20).filter((name) => nameProblem(name) === undefined);
  return folders.find((folder) => names.some((name) => existsSync(join(folder, name)))) ?? folders[0]!;
}
