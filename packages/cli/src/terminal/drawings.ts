import { statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { Drawing } from '@mae-tasks/core-mae/task';

/** For the help of --draw. */
export const DRAW_PLACE = 'a PNG file, or a folder for it';

/**
 * Writes drawings to the place that --draw names, and returns the files' paths. A name that ends in .png is a file, made
 * with its folder; of several drawings the later ones have their names added to it. Any other place is a folder.
 *
 * @throws MaeError `CONFIG_INVALID` for a name of another kind of picture, `WRITE_FAILED`
 */
export async function writeDrawings(place: string, drawings: readonly Drawing[]): Promise<string[]> {
  const core = await import('@mae-tasks/core-mae/run');
  await requireDrawPlace(place);
  const isFile = isFileName(place);
  await core.createFolder(isFile ? dirname(place) : place);
  const paths: string[] = [];
  for (const [index, { name, png }] of drawings.entries()) {
    const path = !isFile
      ? join(place, `${name}.png`)
      : index === 0
        ? place
        : `${place.slice(0, -extname(place).length)}-${name}.png`;
    await core.writeFileAtomically(path, png);
    paths.push(path);
  }
  return paths;
}

/** @throws MaeError `CONFIG_INVALID` for a name of a kind of picture that is not written */
export async function requireDrawPlace(place: string): Promise<void> {
  const { MaeError } = await import('@mae-tasks/core-mae');
  if (!/\.(?:jpe?g|webp|gif|svg|tiff?|avif)$/iu.test(place) || isFolder(place)) return;
  throw new MaeError('CONFIG_INVALID', {
    what: 'drawings are PNG files',
    where: `--draw ${place}`,
    fix: `name it ${place.slice(0, -extname(place).length)}.png, or give a folder`,
  });
}

function isFileName(place: string): boolean {
  return extname(place).toLowerCase() === '.png' && !isFolder(place);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
