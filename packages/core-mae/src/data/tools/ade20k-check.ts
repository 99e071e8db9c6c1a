import { MaeError } from '../../base/errors.js';
import { pairSemanticFolder, type SemanticFolderOptions, type SemanticPair } from '../readers/ade20k.js';
import { semanticFolders } from '../readers/ade20k-layout.js';
import { type CheckOptions, checkReport, type CheckReport } from './check-report.js';
import { createFaultLog, type ReportFault } from '../coco/faults.js';
import { openImage } from '../images/image.js';
import { loadLabels } from '../targets/semantic-target.js';

/**
 * Every oddity of a data set of pictures and index maps, in all its splits: missing partners, sizes that differ,
 * values that are no class, files that do not decode.
 *
 * @throws MaeError `DATA_NOT_FOUND` where there is no data set.
 */
export async function checkSemanticFolder(
  path: string,
  options: CheckOptions & SemanticFolderOptions = {},
): Promise<CheckReport> {
  const log = createFaultLog(options.limitPerKind);
  const checked = { files: 0, pictures: 0, annotations: 0 };
  const values = new Set<number>();
  const isNamed = options.split !== undefined || options.images !== undefined;
  const splits = isNamed ? [] : semanticFolders(path).map(({ split }) => split);
  const found = await Promise.all(
    (splits.length === 0 ? [undefined] : splits).map((split) =>
      pairSemanticFolder(path, split === undefined ? options : { ...options, split }),
    ),
  );
  const total = found.reduce((sum, { pairs }) => sum + pairs.length, 0);
  for (const { folders, pairs, imagesWithoutMap, mapsWithoutImage, warnings } of found) {
    for (const file of imagesWithoutMap) {
      log.report(fault('error', 'picture-without-map', folders.images, file, 'has no index map', 'left out'));
    }
    for (const file of mapsWithoutImage) {
      log.report(
        fault('warning', 'map-without-picture', folders.annotations, file, 'belongs to no picture', 'not used'),
      );
    }
    for (const warning of warnings) {
      log.report(fault('warning', 'dead-link', path, 'a link', warning, 'not used'));
    }
    for (const pair of pairs) {
      options.reportProgress?.(++checked.pictures, total);
      await checkPair(pair, options.decodePictures ?? true, folders.images, values, log.report);
    }
    checked.annotations += pairs.length;
    checked.files += pairs.length;
  }
  const ignoreIndex = options.ignoreIndex ?? 255;
  if (ignoreIndex === 255 && values.has(255) && [...values].every((value) => value === 0 || value === 255)) {
    const problem = 'hold nothing but 0 and 255, and 255 is ignored: there is only one class to learn';
    const action = "name both by `data.classMap`: --set 'data.classMap={0: background, 255: object}'";
    log.report(fault('error', 'binary-masks', path, 'the index maps', problem, action));
  }
  return checkReport(log, checked);
}

/** @param values gathers the values that occur in any map */
async function checkPair(
  { id, image, annotation }: SemanticPair,
  decode: boolean,
  folder: string,
  values: Set<number>,
  report: ReportFault,
): Promise<void> {
  try {
    const opened = await openImage({ kind: 'file', path: image });
    if (decode) await opened.read();
    for (const value of loadLabels(annotation, { width: opened.width, height: opened.height, id }).labels) {
      values.add(value);
    }
  } catch (error) {
    if (!(error instanceof MaeError)) throw error;
    const code = error.where === annotation.path ? 'index-map-unusable' : 'picture-unreadable';
    report(fault('error', code, folder, id, error.message, 'left out, up to the limit on bad pictures'));
  }
}

function fault(
  severity: 'error' | 'warning',
  code: string,
  file: string,
  subject: string,
  problem: string,
  action: string,
): Parameters<ReportFault>[0] {
  return { severity, code, file, subject, problem, action };
}
