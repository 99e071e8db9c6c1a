import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { Box } from '../../contracts/transform.js';
import { MaeError, messageOf } from '../../base/errors.js';
import { encodeJpeg, encodePng } from '../images/encode-image.js';
import { type DecodeOptions, openImage } from '../images/image.js';
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
        const stem = name.replace(/[/\\]/gu, '_').slice(0, -extname(name).length || undefined);
        writeCrop(
          join(out, folder),
          `${basename(stem)}-${annotations.ids[entry]!}.${format === 'png' ? 'png' : 'jpg'}`,
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

/** Class names as names of folders, kept apart where they become alike. */
function classFolders(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const plain = name.replace(/[^\p{L}\p{N} ._-]+/gu, '_').replace(/^\.+|[. ]+$/gu, '') || 'class';
    let folder = plain;
    for (let number = 2; taken.has(folder.toLowerCase()); number++) folder = `${plain} ${number}`;
    taken.add(folder.toLowerCase());
    return folder;
  });
}

function writeCrop(folder: string, name: string, bytes: Uint8Array): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), bytes);
  } catch (cause) {
    throw new MaeError('WRITE_FAILED', {
      what: `the picture could not be written (${messageOf(cause)})`,
      where: join(folder, name),
      fix: 'check the folder, its permissions and the space left',
      cause,
    });
  }
}
