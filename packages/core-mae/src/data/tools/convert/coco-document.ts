/*
 * data/tools/convert/: other formats of annotations on their way to COCO's: YOLO, Pascal VOC, and the writer they
 * share (this file). Pictures stay where they are.
 * Not here: reading COCO: `data/coco`.
 * Called by: `mae-tasks data convert`.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createFolder, writeFileAtomically } from '../../../base/atomic-write.js';
import { MaeError } from '../../../base/errors.js';
import { foldedName } from '../../../base/folded-name.js';
import { MAX_CATEGORIES } from '../../coco/annotations.js';
import { requireNew } from '../require-new.js';
import type { Notes } from './notes.js';

/** A data set of another format on its way to COCO's. */
export interface ConvertedImage {
  /** Relative to the data set's folder. */
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly ConvertedObject[];
}

export interface ConvertedObject {
  /** From 0. */
  readonly classIndex: number;
  /** `[x, y, width, height]` in absolute pixels. */
  readonly box: readonly [number, number, number, number];
  /** Outlines as `x, y` pairs in absolute pixels. */
  readonly polygons?: readonly number[][];
  /** Default false. */
  readonly crowd?: boolean;
}

export interface ConvertResult {
  /** The annotation files written. */
  readonly files: readonly string[];
  readonly images: number;
  readonly annotations: number;
  readonly classNames: readonly string[];
  /** A line for each thing left out or repaired, naming its file. */
  readonly warnings: readonly string[];
}

export interface ConvertOptions {
  /**
   * The folder for the files, `instances_<split>.json`. Default `annotations` in the data set, or the data set's folder
   * itself where a folder there differs from that name by case alone.
   */
  readonly out?: string | undefined;
  /** Whether symbolic links may lead out of the data set. Default false. */
  readonly followLinks?: boolean | undefined;
  /** Whether files of these names are replaced. Default false: they are an error. */
  readonly force?: boolean | undefined;
}

/** A class of the data set; `index` is its number there, from 0. */
export interface ConvertedClass {
  readonly index: number;
  readonly name: string;
}

/**
 * Writes `instances_<split>.json` for every split that has pictures; class k becomes category k + 1.
 *
 * @throws MaeError `DATA_EMPTY` where no split has a picture, `DATA_INVALID` for too many classes, `WRITE_FAILED` where
 * a file is there already and no `force` is not given, before any is written
 */
export async function writeSplits(
  path: string,
  classes: readonly ConvertedClass[],
  splits: ReadonlyArray<readonly [split: string, images: readonly ConvertedImage[]]>,
  notes: Notes,
  { out = outputFolder(path), force = false }: ConvertOptions = {},
): Promise<ConvertResult> {
  const filled = splits.filter(([, images]) => images.length > 0);
  if (filled.length === 0) {
    const [first] = notes.lines();
    throw new MaeError('DATA_EMPTY', {
      what: `there is no picture that can be used${first === undefined ? '' : ` (${first})`}`,
      where: path,
      fix: 'check the pictures and their annotations',
    });
  }
  if (classes.length > MAX_CATEGORIES) {
    throw new MaeError('DATA_INVALID', {
      what: `there are ${classes.length} classes, and at most ${MAX_CATEGORIES} are read`,
      where: path,
      fix: 'check the names of the classes',
    });
  }
  const files = filled.map(([split]) => join(out, `instances_${split}.json`));
  if (!force) for (const file of files) requireNew(file);
  await createFolder(out);
  let numImages = 0;
  let numAnnotations = 0;
  for (const [index, [, images]] of filled.entries()) {
    await writeFileAtomically(files[index]!, documentText(classes, images));
    numImages += images.length;
    numAnnotations += images.reduce((sum, { objects }) => sum + objects.length, 0);
  }
  return {
    files,
    images: numImages,
    annotations: numAnnotations,
    classNames: classes.map(({ name }) => name),
    warnings: notes.lines(),
  };
}

/** VOC's `Annotations` and `annotations` would be one folder where case is ignored. */
function outputFolder(path: string): string {
  const alike = readdirSync(path).some((name) => name !== 'annotations' && foldedName(name) === 'annotations');
  return alike ? path : join(path, 'annotations');
}

function* documentText(classes: readonly ConvertedClass[], images: readonly ConvertedImage[]): Generator<string> {
  const categories = classes.map(({ index, name }) => ({ id: index + 1, name }));
  yield `{"categories": ${JSON.stringify(categories)},\n"images": [`;
  for (const [index, { fileName, width, height }] of images.entries()) {
    const entry = { id: index + 1, file_name: fileName, width, height };
    yield `${index === 0 ? '' : ',\n'}${JSON.stringify(entry)}`;
  }
  yield '],\n"annotations": [';
  let numAnnotations = 0;
  for (const [index, { objects }] of images.entries()) {
    for (const { classIndex, box, polygons, crowd } of objects) {
      numAnnotations++;
      const entry = {
        id: numAnnotations,
        image_id: index + 1,
        category_id: classIndex + 1,
        bbox: box,
        area: polygons === undefined ? box[2] * box[3] : polygonArea(polygons),
        iscrowd: crowd === true ? 1 : 0,
        ...(polygons === undefined ? {} : { segmentation: polygons }),
      };
      yield `${numAnnotations === 1 ? '' : ',\n'}${JSON.stringify(entry)}`;
    }
  }
  yield ']}\n';
}

/** The shoelace formula, parts added up. */
function polygonArea(polygons: readonly number[][]): number {
  let area = 0;
  for (const points of polygons) {
    let twice = 0;
    for (let i = 0; i < points.length; i += 2) {
      const next = (i + 2) % points.length;
      twice += points[i]! * points[next + 1]! - points[next]! * points[i + 1]!;
    }
    area += Math.abs(twice) / 2;
  }
  return area;
}
