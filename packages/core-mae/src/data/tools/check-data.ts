/*
 * data/tools/: what `mae-tasks data` does: check (this file), count, crop, split; `convert/` writes COCO files for
 * YOLO and Pascal VOC.
 * Not here: anything that training needs.
 * Called by: the command and scripts, by the door `/run`.
 */

import { join } from 'node:path';
import { MaeError, messageOf } from '../../base/errors.js';
import { checkSemanticFolder } from './ade20k-check.js';
import { semanticFolders } from '../readers/ade20k-layout.js';
import { type CheckOptions, checkReport, type CheckReport } from './check-report.js';
import { checkCoco } from './coco-check.js';
import { createFaultLog } from '../coco/faults.js';
import { looksLikeCoco } from '../readers/coco-layout.js';
import { openImage } from '../images/image.js';
import { listFiles } from '../../base/listing.js';
import { isPictureName, PICTURE_NAMES } from '../../base/picture-names.js';

export type CheckFormat = 'coco' | 'ade20k' | 'folder';

export interface CheckDataOptions extends CheckOptions {
  /** Default: every layout that the path has, and plain pictures where it has no other. */
  readonly format?: CheckFormat;
  /** Default all. */
  readonly split?: string;
}

/** What was found in a data set, by layout. */
export interface CheckedData {
  readonly ok: boolean;
  readonly reports: ReadonlyArray<CheckReport & { readonly format: CheckFormat }>;
}

/**
 * Every oddity of a data set, whatever its layout.
 *
 * @throws MaeError `DATA_NOT_FOUND`
 */
export async function checkData(path: string, { format, ...options }: CheckDataOptions = {}): Promise<CheckedData> {
  const formats = format === undefined ? formatsOf(path) : [format];
  const reports: Array<CheckReport & { format: CheckFormat }> = [];
  for (const each of formats) {
    const report =
      each === 'coco'
        ? await checkCoco(path, options)
        : each === 'ade20k'
          ? await checkSemanticFolder(path, options)
          : await checkPictures(path, options);
    reports.push({ format: each, ...report });
  }
  return { ok: reports.every(({ ok }) => ok), reports };
}

function formatsOf(path: string): CheckFormat[] {
  const found: CheckFormat[] = [];
  if (looksLikeCoco(path)) found.push('coco');
  if (semanticFolders(path).length > 0) found.push('ade20k');
  return found.length === 0 ? ['folder'] : found;
}

async function checkPictures(
  path: string,
  { decodePictures = true, limitPerKind }: CheckOptions,
): Promise<CheckReport> {
  const log = createFaultLog(limitPerKind);
  const { files, warnings } = await listFiles(path);
  const pictures = files.filter(isPictureName);
  if (pictures.length === 0) {
    throw new MaeError('DATA_EMPTY', {
      what: 'there are no pictures',
      where: path,
      fix: `check the path; ${PICTURE_NAMES}`,
    });
  }
  const report = (
    severity: 'error' | 'warning',
    code: string,
    subject: string,
    problem: string,
    action: string,
  ): void => {
    log.report({ severity, code, file: path, subject, problem, action });
  };
  for (const warning of warnings) report('warning', 'dead-link', 'a link', warning, 'not used');
  for (const file of files) {
    if (!isPictureName(file)) report('warning', 'not-a-picture', file, 'is not a picture by its name', 'left out');
  }
  for (const file of pictures) {
    try {
      const opened = await openImage({ kind: 'file', path: join(path, file) });
      if (opened.warning !== undefined) report('warning', 'picture-large', file, opened.warning, 'used as it is');
      if (decodePictures) await opened.read();
    } catch (error) {
      report('error', 'picture-unreadable', file, messageOf(error), 'left out, up to the limit on bad pictures');
    }
  }
  return checkReport(log, { files: files.length, pictures: pictures.length, annotations: 0 });
}
