import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MaeError } from '@mae-tasks/core-mae/coco';

/** The name of the example that the skeleton is made from: all that its files call by it is given the new name. */
const EXAMPLE = 'rotation';

/**
 * Writes the example plugin (`examples/custom-plugin`) under another name, and returns the files.
 *
 * @param name of the task: lower-case letters, digits and dashes
 * @throws MaeError `CONFIG_INVALID` for another name, or where the folder exists
 */
export async function writePluginSkeleton(name: string, folder: string): Promise<string[]> {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) {
    throw new MaeError('CONFIG_INVALID', {
      what: `"${name}" cannot be a task's name`,
      fix: 'use lower-case letters, digits and dashes: depth, pose-2d',
    });
  }
  if (existsSync(folder)) {
    throw new MaeError('CONFIG_INVALID', {
      what: 'the folder exists already',
      where: folder,
      fix: 'choose another by --out',
    });
  }
  const template = templateFolder();
  const camel = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const pascal = camel.charAt(0).toUpperCase() + camel.slice(1);
  const rename = (text: string): string =>
    text
      .replaceAll(new RegExp(`${EXAMPLE}(?=[A-Z])`, 'g'), camel)
      .replaceAll(EXAMPLE.charAt(0).toUpperCase() + EXAMPLE.slice(1), pascal)
      .replaceAll(EXAMPLE, name);
  const written: string[] = [];
  for (const entry of await readdir(template, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const path = join(folder, rename(relative(template, source)).replace(/^gitignore$/u, '.gitignore'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, rename(await readFile(source, 'utf8')), { flag: 'wx' });
    written.push(path);
  }
  return written.sort();
}

/** The example beside the built command, where the build copies it. */
function templateFolder(): string {
  return fileURLToPath(new URL('./plugin-template', import.meta.url));
}
