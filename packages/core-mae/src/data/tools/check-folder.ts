import { join } from 'node:path';
import type { DataReader } from '../../contracts/data-reader.js';
import { MaeError, messageOf } from '../../base/errors.js';
import { listFiles } from '../../base/listing.js';
import { isPictureName, PICTURE_NAMES } from '../../base/picture-names.js';
import { createFaultLog, type FaultLog } from '../coco/faults.js';
import { openImage } from '../images/image.js';
import { folderReader } from '../readers/image-folder.js';
import { idxReader } from '../readers/idx.js';
import { type CheckOptions, checkReport, type CheckReport } from './check-report.js';

export interface FolderCheckOptions extends CheckOptions {
  /** Default all. */
  readonly split?: string;
  readonly classLevel?: number;
}

/**
 * Every oddity of a folder of pictures: pictures that cannot be read, class folders without pictures, classes that only
 * one split has.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY`
 */
export async function checkFolder(path: string, options: FolderCheckOptions = {}): Promise<CheckReport> {
  const { decodePictures = true, limitPerKind, split, reportProgress } = options;
  const log = createFaultLog(limitPerKind);
  const root = split === undefined ? path : join(path, split);
  const { files, warnings } = await listFiles(root);
  const pictures = files.filter(isPictureName);
  if (pictures.length === 0) {
    throw new MaeError('DATA_EMPTY', {
      what: 'there are no pictures',
      where: root,
      fix: `check the path; ${PICTURE_NAMES}`,
    });
  }
  const fault = reporter(log, root);
  for (const warning of warnings) fault('warning', 'dead-link', 'a link', warning, 'not used');
  for (const file of files) {
    if (!isPictureName(file)) fault('warning', 'not-a-picture', file, 'is not a picture by its name', 'left out');
  }
  await openSplits(folderReader, path, options, fault);
  for (const [index, file] of pictures.entries()) {
    reportProgress?.(index + 1, pictures.length);
    try {
      const opened = await openImage({ kind: 'file', path: join(root, file) });
      if (opened.warning !== undefined) fault('warning', 'picture-large', file, opened.warning, 'used as it is');
      if (decodePictures) await opened.read();
    } catch (error) {
      fault('error', 'picture-unreadable', file, messageOf(error), 'left out, up to the limit on bad pictures');
    }
  }
  return checkReport(log, { files: files.length, pictures: pictures.length, annotations: 0 });
}

/** Every oddity of a folder of IDX files: what cannot be read, labels without pictures and the other way round. */
export async function checkIdx(path: string, options: FolderCheckOptions = {}): Promise<CheckReport> {
  const log = createFaultLog(options.limitPerKind);
  const sizes = await openSplits(idxReader, path, options, reporter(log, path));
  const pictures = sizes.reduce((sum, size) => sum + size, 0);
  return checkReport(log, { files: sizes.length, pictures, annotations: 0 });
}

type Reporter = (severity: 'error' | 'warning', code: string, subject: string, problem: string, action: string) => void;

function reporter(log: FaultLog, file: string): Reporter {
  return (severity, code, subject, problem, action) => {
    log.report({ severity, code, file, subject, problem, action });
  };
}

/** Opens the splits as training would, and reports what it would say; the sizes of those that opened. */
async function openSplits(
  reader: DataReader,
  path: string,
  { split, classLevel }: FolderCheckOptions,
  fault: Reporter,
): Promise<number[]> {
  const known = split === undefined ? ((await reader.splits?.(path)) ?? []) : [split];
  const sizes: number[] = [];
  for (const each of known.length === 0 ? [undefined] : known) {
    const subject = each === undefined ? 'the folder' : `the split ${each}`;
    try {
      const options = {
        ...(each === undefined ? {} : { split: each }),
        ...(classLevel === undefined ? {} : { classLevel }),
      };
      sizes.push((await reader.open(path, options)).size);
    } catch (error) {
      if (!(error instanceof MaeError)) throw error;
      fault('error', 'split-unusable', subject, error.message, 'training on it stops with this message');
    }
  }
  return sizes;
}
