import { foreignFormatOf } from './foreign-formats.js';

/** Endings of the names of pictures: of every kind that can be decoded. */
const SUFFIXES = ['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif', '.bmp', '.dib'];

/** Whether a file is a picture by its name. Nothing is opened. */
export function isPictureName(name: string): boolean {
  const lower = name.toLowerCase();
  return SUFFIXES.some((suffix) => lower.endsWith(suffix));
}

/** What to tell those who gave files of other names. */
export const PICTURE_NAMES = `pictures are files named ${SUFFIXES.slice(0, -1).join(', ')} or ${SUFFIXES.at(-1)!}`;

/** One warning for all files of a folder that were left out because they are not pictures by name; none for none. */
export function notPictures(folder: string, files: readonly string[]): string[] {
  const { count, examples } = otherFiles(files);
  return count === 0 ? [] : [`${folder}: ${count} files are not pictures by name and were left out (${examples})`];
}

/** How many files are not pictures by name, and the first of them, with what to do about formats that are not read. */
export function otherFiles(files: readonly string[]): { readonly count: number; readonly examples: string } {
  const others = files.filter((file) => !isPictureName(file));
  const advice = foreignAdvice(others);
  return {
    count: others.length,
    examples:
      others.slice(0, 3).join(', ') + (others.length > 3 ? ', …' : '') + (advice === undefined ? '' : `; ${advice}`),
  };
}

/** What to do about the first file of a known format that is not read; undefined where there is none. */
export function foreignAdvice(files: readonly string[]): string | undefined {
  for (const file of files) {
    const format = foreignFormatOf(file);
    if (format !== undefined) return `${format.name} files are not read: ${format.fix}`;
  }
  return undefined;
}
