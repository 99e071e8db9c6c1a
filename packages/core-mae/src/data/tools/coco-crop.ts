import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Box } from '../../contracts/transform.js';
import { MaeError, messageOf } from '../../base/errors.js';
import { encodeJpeg, encodePng } from '../images/encode-image.js';
import { foldedName } from '../../base/folded-name.js';
import { type DecodeOptions, openImage } from '../images/image.js';
import { splitOfName } from '../readers/split-names.js';
import { annotationsOfImage } from '../coco/annotations.js';
import { createValueSurvey } from './examine-values.js';
import type { CocoDataset } from '../readers/coco-instances.js';

export interface CropOptions {
  /** Boxes with a shorter side below this many pixels are left out. Default 8. */
  readonly minSide?: number;
  /** What is added on each side, as a share of the box's longer side. Default 0. */
  readonly margin?: number;
  /** Default `png`. */
  readonly format?: 'png' | 'jpeg';
  /** How pictures are read. */
  readonly decode?: DecodeOptions;
}

export interface CropResult {
  /** Pictures written, by class. */
  readonly written: Readonly<Record<string, number>>;
  /** Crowds and boxes that are too small. */
  readonly leftOut: number;
  /** A line for each picture that could not be read. */
  readonly warnings: readonly string[];
}

/**
 * A folder for classification cut from a detection data set: `out/<class>/<picture>-<annotation id>.png`. Pictures that
 * do not decode are passed over and named.
 *
 * @throws MaeError `WRITE_FAILED`, `PATH_ESCAPES`
 */
export async function cropBoxes(data: CocoDataset, out: string, options: CropOptions = {}): Promise<CropResult> {
  const { minSide = 8, margin = 0, format = 'png', decode = {} } = options;
  const { annotations } = data;
  const folders = classFolders(annotations.categories.map(({ name }) => name));
  const written: Record<string, number> = Object.fromEntries(folders.map((name) => [name, 0]));
  const warnings: string[] = [];
  const survey = createValueSurvey();
  let leftOut = 0;
  for (let image = 0; image < annotations.images.size; image++) {
    const entries = annotationsOfImage(annotations, image);
    if (entries.length === 0) continue;
    const name = annotations.images.fileNames[image]!;
    const path = data.paths[image];
    if (path === undefined) {
      warnings.push(`${name}: is not there`);
      continue;
    }
    try {
      const opened = await openImage({ kind: 'file', path }, decode);
      if (opened.values !== undefined) survey.add(await opened.values());
      for (const entry of entries) {
        const box = cropBox(annotations.boxes.subarray(4 * entry, 4 * entry + 4), margin, opened);
        if (annotations.crowds[entry] === 1 || Math.min(box[2] - box[0], box[3] - box[1]) < minSide) {
          leftOut++;
          continue;
        }
        const picture = await opened.read(box);
        const bytes = format === 'png' ? await encodePng(picture) : await encodeJpeg(picture);
        const folder = folders[annotations.categoryIndexes[entry]!]!;
        writeCrop(
          join(out, folder),
          `${stemOf(name)}-${annotations.ids[entry]!}.${format === 'png' ? 'png' : 'jpg'}`,
          bytes,
        );
        written[folder] = (written[folder] ?? 0) + 1;
      }
    } catch (error) {
      if (!(error instanceof MaeError) || !error.code.startsWith('IMAGE_')) throw error;
      warnings.push(`${name}: ${error.message}`);
    }
  }
  survey.report((_, __, subject, problem, action) => {
    warnings.push(`${subject}: ${problem} — ${action}`);
  }, survey.count());
  return { written, leftOut, warnings };
}

/** What a crop's name begins with; its annotation's id tells it from others. */
function stemOf(name: string): string {
  const stem = name.slice(0, -extname(name).length || undefined);
  return [...stem.replace(/[^\p{L}\p{M}\p{N} ._-]+/gu, '_').replace(/^\.+/u, '')].slice(-MAX_NAME_LENGTH).join('');
}

/** The box in whole pixels, inside the picture. */
function cropBox(
  [x, y, w, h]: Iterable<number> & ArrayLike<number>,
  margin: number,
  { width, height }: { readonly width: number; readonly height: number },
): Box {
  const extra = margin * Math.max(w!, h!);
  return [
    Math.max(0, Math.floor(x! - extra)),
    Math.max(0, Math.floor(y! - extra)),
    Math.min(width, Math.ceil(x! + w! + extra)),
    Math.min(height, Math.ceil(y! + h! + extra)),
  ];
}

/** File systems take 255 bytes for a name, and letters take up to four. */
const MAX_NAME_LENGTH = 60;
/** Names that Windows keeps for devices, whatever their ending. */
const DEVICES = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/iu;

/** Class names as names of folders, kept apart where they become alike, and from the names of splits. */
function classFolders(names: readonly string[]): string[] {
  const taken = new Map<string, number>();
  return names.map((name) => {
    const cleaned = name.replace(/[^\p{L}\p{M}\p{N} ._-]+/gu, '_').replace(/^[. ]+/u, '');
    const short = [...cleaned]
      .slice(0, MAX_NAME_LENGTH)
      .join('')
      .replace(/[. ]+$/u, '');
    const isTaken =
      short === '' || splitOfName(short) !== undefined || DEVICES.test(short) || /^__MACOSX$/iu.test(short);
    const plain = isTaken ? `class ${short}`.trim() : short;
    let folder = plain;
    // The next number is remembered: a thousand classes of one name would otherwise be counted through each time.
    for (let number = taken.get(foldedName(plain)) ?? 1; taken.has(foldedName(folder)); number++) {
      folder = `${plain} ${number + 1}`;
      taken.set(foldedName(plain), number + 1);
    }
    if (!taken.has(foldedName(folder))) taken.set(foldedName(folder), 1);
    return folder;
  });
}

/** The file appears whole or not at all; that the whole folder survives a power cut is not worth a flush for each. */
function writeCrop(folder: string, name: string, bytes: Uint8Array): void {
  const temporary = join(folder, `.${process.pid}.tmp`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(temporary, bytes);
    renameSync(temporary, join(folder, name));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new MaeError('WRITE_FAILED', {
      what: `the picture could not be written (${messageOf(cause)})`,
      where: join(folder, name),
      fix: 'check the folder, its permissions and the space left',
      cause,
    });
  }
}
