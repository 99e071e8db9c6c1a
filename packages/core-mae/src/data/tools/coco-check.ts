import { existsSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { MaeError, messageOf } from '../../base/errors.js';
import { openImage } from '../images/image.js';
import { listFiles, type Listing } from '../../base/listing.js';
import { isPictureName } from '../../base/picture-names.js';
import type { CocoAnnotations } from '../coco/annotations.js';
import { withFileSource } from '../coco/byte-source.js';
import { createFaultLog, type ReportFault } from '../coco/faults.js';
import { chooseImageFolder, imagePaths, nameProblem } from '../coco/image-paths.js';
import { type CocoLayoutOptions, cocoSplits, locateCoco } from '../readers/coco-layout.js';
import { parseCoco } from '../coco/parse.js';
import { type CheckOptions, checkReport, type CheckReport } from './check-report.js';

/**
 * Every oddity of a COCO data set, in all its splits: of the annotation files, of the pictures they name, and of the
 * pictures that they do not name.
 *
 * @throws MaeError `DATA_NOT_FOUND` where there is no data set.
 */
export async function checkCoco(path: string, options: CheckOptions & CocoLayoutOptions = {}): Promise<CheckReport> {
  const log = createFaultLog(options.limitPerKind);
  const checked = { files: 0, pictures: 0, annotations: 0 };
  const splits = options.split === undefined && options.annotations === undefined ? cocoSplits(path) : [];
  const layouts =
    splits.length === 0 ? [locateCoco(path, options)] : splits.map((split) => locateCoco(path, { ...options, split }));
  const loaded: CocoAnnotations[] = [];
  const parsed = layouts.map((layout) => ({
    ...layout,
    annotations: parseForCheck(layout.annotationFile, log.report),
  }));
  const total = parsed.reduce((sum, { annotations }) => sum + (annotations?.images.size ?? 0), 0);
  let done = 0;
  const reportPicture = (): void => options.reportProgress?.(++done, total);
  const named = new Map<string, Set<string>>();
  for (const { annotations, imageFolders } of parsed) {
    checked.files++;
    if (annotations === undefined) continue;
    loaded.push(annotations);
    checked.annotations += annotations.size;
    const folder = chooseImageFolder(annotations, imageFolders);
    const names = named.get(folder) ?? new Set<string>();
    named.set(folder, names);
    reportSharedFiles(annotations, names, log.report);
    checked.pictures += await checkPictures(annotations, folder, log.report, {
      decode: options.decodePictures ?? true,
      reportPicture,
    });
  }
  compareCategories(loaded, log.report);
  for (const [folder, names] of named) await reportUnlisted(folder, path, names, [...named.keys()], log.report);
  return checkReport(log, checked);
}

function parseForCheck(file: string, report: ReportFault): CocoAnnotations | undefined {
  try {
    return withFileSource(file, (source) => parseCoco(source, file, report));
  } catch (error) {
    if (!(error instanceof MaeError)) throw error;
    report({
      severity: 'error',
      code: 'unreadable-annotation-file',
      file,
      subject: 'the file',
      problem: error.message,
      action: 'nothing of it can be used',
    });
    return undefined;
  }
}

/** Pictures named twice, in one file or in the files of two splits. */
function reportSharedFiles({ file, images }: CocoAnnotations, names: Set<string>, report: ReportFault): void {
  const own = new Set<string>();
  for (let image = 0; image < images.size; image++) {
    const name = images.fileNames[image]!;
    if (name === '') continue;
    const twiceHere = own.has(name);
    const isShared = twiceHere || names.has(name);
    own.add(name);
    names.add(name);
    if (!isShared) continue;
    report({
      severity: 'warning',
      code: twiceHere ? 'picture-listed-twice' : 'picture-in-two-splits',
      file,
      subject: `image ${images.ids[image]!}`,
      problem: `its picture ${name} is listed by ${twiceHere ? 'another entry' : 'another split'} too`,
      action: twiceHere ? 'kept as listed' : 'kept as listed; scores on pictures seen in training mean nothing',
    });
  }
}

/** Returns the number of pictures that were found. */
async function checkPictures(
  annotations: CocoAnnotations,
  folder: string,
  report: ReportFault,
  { decode, reportPicture }: { readonly decode: boolean; readonly reportPicture: () => void },
): Promise<number> {
  const { images, file } = annotations;
  const pathOf = imagePaths(annotations, folder);
  let numFound = 0;
  for (let image = 0; image < images.size; image++) {
    reportPicture();
    const fault = (severity: 'error' | 'warning', code: string, problem: string, action: string): void => {
      report({ severity, code, file, subject: `image ${images.ids[image]!}`, problem, action });
    };
    const name = images.fileNames[image]!;
    const width = images.widths[image]!;
    const height = images.heights[image]!;
    if (width === 0 || height === 0) {
      fault('warning', 'image-size-missing', 'has no width and height', 'outlines of its objects cannot be drawn');
    }
    const problem = nameProblem(name);
    if (problem !== undefined) {
      fault(
        'error',
        name === '' ? 'image-without-file-name' : 'path-escapes',
        problem,
        'file_name is the path inside the folder of pictures',
      );
      continue;
    }
    let path: string;
    try {
      path = pathOf(image);
    } catch (error) {
      fault('error', 'path-escapes', messageOf(error), 'copy the picture into the folder');
      continue;
    }
    if (!existsSync(path)) {
      fault('error', 'picture-missing', `its picture ${name} is not in ${folder}`, 'add it or remove the entry');
      continue;
    }
    numFound++;
    try {
      const opened = await openImage({ kind: 'file', path });
      if (width > 0 && (opened.width !== width || opened.height !== height)) {
        const turned = opened.width === height && opened.height === width;
        fault(
          'error',
          'picture-size-differs',
          `its picture ${name} is ${opened.width} × ${opened.height}, its entry says ${width} × ${height}`,
          turned ? 'annotated without the EXIF orientation: decode with orient false' : 'correct the entry',
        );
      }
      if (opened.warning !== undefined) fault('warning', 'picture-large', opened.warning, 'used as it is');
      if (decode) await opened.read();
    } catch (error) {
      fault('error', 'picture-unreadable', messageOf(error), 'left out, up to the limit on bad pictures');
    }
  }
  return numFound;
}

function compareCategories(files: readonly CocoAnnotations[], report: ReportFault): void {
  const [first, ...others] = files;
  if (first === undefined) return;
  const listOf = ({ categories }: CocoAnnotations): string =>
    categories.map(({ id, name }) => `${id} ${name}`).join(', ');
  for (const other of others) {
    if (listOf(other) === listOf(first)) continue;
    report({
      severity: 'error',
      code: 'categories-differ',
      file: other.file,
      subject: 'the file',
      problem: `has other categories than ${first.file}`,
      action: 'both splits need the same list, or classes would be confused',
    });
  }
}

async function reportUnlisted(
  folder: string,
  root: string,
  names: ReadonlySet<string>,
  folders: readonly string[],
  report: ReportFault,
): Promise<void> {
  let listing: Listing;
  try {
    listing = await listFiles(realpathSync(folder));
  } catch (error) {
    const problem = messageOf(error);
    report({
      severity: 'error',
      code: 'path-escapes',
      file: folder,
      subject: 'a link',
      problem,
      action: 'not followed',
    });
    return;
  }
  const { files, warnings } = listing;
  const normal = new Set([...names].map((name) => join(name)));
  for (const file of files) {
    const path = join(folder, file);
    // Another split's folder inside this one answers for its own pictures.
    const isOthers = folders.some((other) => other !== folder && other.startsWith(folder) && path.startsWith(other));
    if (isOthers || normal.has(join(file)) || !isPictureName(file)) continue;
    report({
      severity: 'warning',
      code: 'picture-not-listed',
      file: relative(root, path),
      subject: 'the picture',
      problem: 'is named by no annotation file',
      action: 'not used',
    });
  }
  for (const warning of warnings) {
    report({
      severity: 'warning',
      code: 'dead-link',
      file: folder,
      subject: 'a link',
      problem: warning,
      action: 'not used',
    });
  }
}
