/*
 * data/readers/: data sets by their layout on disk: folders of classes, IDX files, COCO, ADE20K. This file finds the
 * reader that recognises a path; `split` holds parts out.
 * Not here: the content of annotation files (`data/coco`), and pictures: an item names its picture and its target.
 * Called by: trainings and commands through `train/inputs`; plugins bind readers of their own beside these.
 */

import { existsSync } from 'node:fs';
import type { DataReader, OpenOptions } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { requireNativeLayout } from './foreign-layouts.js';
import { folderReader } from './image-folder.js';

export interface OpenDatasetOptions extends OpenOptions {
  /** A reader's name. Default: the one that recognises the path. */
  readonly format?: string | undefined;
  /** Names of readers, the best first, where several recognise the path. */
  readonly formats?: readonly string[] | undefined;
}

/**
 * The data set at a path, read by the reader of the given format or the one that recognises it.
 *
 * @throws MaeError as `findReader` and the reader
 */
export async function openDataset(
  path: string,
  readers: readonly DataReader[],
  { format, formats, ...options }: OpenDatasetOptions = {},
): Promise<Dataset> {
  const reader = await findReader(path, readers, format, formats);
  return reader.open(path, options);
}

/**
 * The reader for a path. Plain folders of pictures can be found inside most layouts, so that reader is only chosen
 * where no other recognises the path.
 *
 * @throws MaeError `DATA_NOT_FOUND` where nothing is at the path, `CONFIG_INVALID` for an unknown format or where two
 * readers recognise the path, `DATA_INVALID` where none does, or where `formats` are asked for and the path is of a
 * layout that has to be converted to one
 *
 * @param formats names of readers, the best first, where several recognise the path
 */
export async function findReader(
  path: string,
  readers: readonly DataReader[],
  format?: string,
  formats: readonly string[] = [],
): Promise<DataReader> {
  const names = readers.map(({ name }) => name).join(', ');
  if (format !== undefined) {
    const named = readers.find(({ name }) => name === format);
    if (named !== undefined) return named;
    throw new MaeError('CONFIG_INVALID', { what: `there is no data format \`${format}\``, fix: `use one of ${names}` });
  }
  if (!existsSync(path)) {
    throw new MaeError('DATA_NOT_FOUND', {
      what: 'there is no such file or folder',
      where: path,
      fix: 'check the path',
    });
  }
  const recognizing: DataReader[] = [];
  for (const reader of readers) if (await reader.recognizes(path)) recognizing.push(reader);
  const special = recognizing.filter(({ name }) => name !== folderReader.name);
  const preferred = formats.flatMap((name) => special.filter((reader) => reader.name === name))[0];
  if (preferred !== undefined) return preferred;
  if (formats.length > 0) requireNativeLayout(path);
  if (special.length > 1) {
    throw new MaeError('CONFIG_INVALID', {
      what: `this could be ${special.map(({ name }) => `\`${name}\``).join(' or ')}`,
      where: path,
      fix: 'say which by `data.format`',
    });
  }
  const chosen = special[0] ?? recognizing[0];
  if (chosen !== undefined) return chosen;
  throw new MaeError('DATA_INVALID', {
    what: `no reader knows what this is (${names})`,
    where: path,
    fix: 'give a folder of pictures, or say what it is by `data.format`',
  });
}
