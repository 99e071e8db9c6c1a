/*
 * data/tools/: what `mae-tasks data` does: check (this file), count, crop, split; `convert/` writes COCO files for
 * YOLO and Pascal VOC.
 * Not here: anything that training needs.
 * Called by: the command and scripts, by the door `/run`.
 */

import { existsSync } from 'node:fs';
import type { DataReader } from '../../contracts/data-reader.js';
import { MaeError } from '../../base/errors.js';
import { ade20kReader, type SemanticFolderOptions } from '../readers/ade20k.js';
import { cocoReader } from '../readers/coco-instances.js';
import type { CocoLayoutOptions } from '../readers/coco-layout.js';
import { requireNativeLayout } from '../readers/foreign-layouts.js';
import { idxReader } from '../readers/idx.js';
import { folderReader } from '../readers/image-folder.js';
import { checkSemanticFolder } from './ade20k-check.js';
import { checkFolder, checkIdx } from './check-folder.js';
import type { CheckOptions, CheckReport } from './check-report.js';
import { checkCoco } from './coco-check.js';

/** A layout that is checked file by file. */
export type CheckFormat = 'coco' | 'ade20k' | 'idx' | 'folder';
const CHECK_FORMATS: readonly CheckFormat[] = ['coco', 'ade20k', 'idx', 'folder'];

export interface CheckDataOptions extends CheckOptions {
  /** Default: every layout that the path has, and plain pictures where it has no other. */
  readonly format?: CheckFormat;
  /** Default all. */
  readonly split?: string;
  /** How files of the layout are read. */
  readonly layout?: CocoLayoutOptions & SemanticFolderOptions & { readonly classLevel?: number };
}

/** What was found in a data set, by layout. */
export interface CheckedData {
  readonly ok: boolean;
  readonly reports: ReadonlyArray<CheckReport & { readonly format: CheckFormat }>;
}

/**
 * Every oddity of a data set, whatever its layout.
 *
 * @throws MaeError `DATA_NOT_FOUND`, or `DATA_INVALID` for a layout that has to be converted
 */
export async function checkData(
  path: string,
  { format, layout = {}, ...rest }: CheckDataOptions = {},
): Promise<CheckedData> {
  const formats = format === undefined ? await formatsOf(path) : [format];
  const reports: Array<CheckReport & { format: CheckFormat }> = [];
  for (const each of formats) reports.push({ format: each, ...(await CHECKS[each](path, { ...layout, ...rest })) });
  return { ok: reports.every(({ ok }) => ok), reports };
}

type Check = (
  path: string,
  options: Omit<CheckDataOptions, 'format' | 'layout'> & CheckDataOptions['layout'],
) => Promise<CheckReport>;

const CHECKS: Readonly<Record<CheckFormat, Check>> = {
  coco: checkCoco,
  ade20k: checkSemanticFolder,
  idx: checkIdx,
  folder: checkFolder,
};

const READERS: Readonly<Record<CheckFormat, DataReader>> = {
  coco: cocoReader,
  ade20k: ade20kReader,
  idx: idxReader,
  folder: folderReader,
};

async function formatsOf(path: string): Promise<CheckFormat[]> {
  if (!existsSync(path)) {
    throw new MaeError('DATA_NOT_FOUND', {
      what: 'there is no such file or folder',
      where: path,
      fix: 'check the path',
    });
  }
  const found: CheckFormat[] = [];
  for (const format of CHECK_FORMATS) if (await READERS[format].recognizes(path)) found.push(format);
  const special = found.filter((format) => format !== 'folder');
  if (special.length > 0) return special;
  requireNativeLayout(path);
  if (found.length > 0) return found;
  throw new MaeError('DATA_EMPTY', { what: 'there are no pictures', where: path, fix: 'check the path' });
}
