/*
 * data/coco/: COCO's files: reading annotations of any size in pieces (this file), repairing or naming their faults,
 * results of detectors, and where pictures lie. `evaluation/` scores as pycocotools does.
 * Not here: pixels, TF.js and sharp: this room is the door `/coco` and stands on its own.
 * Called by: the readers of COCO data, the tools, and whoever imports `@mae-tasks/core-mae/coco`.
 */

import { type ByteSource, withFileSource } from './byte-source.js';
import { type CocoAnnotations, MAX_CATEGORIES } from './annotations.js';
import type { ReportFault } from '../../contracts/data-fault.js';
import { createFaultLog, throwOnError } from './faults.js';
import { GrowingBytes, GrowingFloat64, GrowingInt32 } from '../masks/growing.js';
import { Identifiers } from './identifiers.js';
import { JsonReader } from './json-reader.js';
import { type NoteFault, readSegmentation, type RecordFault } from './parse-segmentation.js';
import { type RawCoco, resolveCoco } from './resolve.js';
import { SegmentationBuilder } from '../masks/segmentation.js';

/** What `loadCoco` gives: the annotations and the oddities that were repaired or left out. */
export interface LoadedCoco {
  readonly annotations: CocoAnnotations;
  /** One line each, naming file and record; a kind that occurs often is cut and counted. */
  readonly warnings: readonly string[];
}

/**
 * The annotations of a COCO instances file of any size. The file is read in pieces, synchronously.
 *
 * @throws MaeError `ANNOTATION_INVALID` naming the file and the record for the first error in it, `DATA_NOT_FOUND`.
 */
export function loadCoco(path: string): LoadedCoco {
  const log = createFaultLog();
  const annotations = withFileSource(path, (source) => parseCoco(source, path, throwOnError(log.report)));
  return { annotations, warnings: log.lines() };
}

/**
 * The annotations in a stream of bytes. Every fault is reported; where `report` does not throw, the faulty record or
 * the part of it that cannot be used is left out.
 *
 * @param file names the source in messages
 * @throws MaeError `ANNOTATION_INVALID` where the bytes are not JSON or not a COCO file at all.
 */
export function parseCoco(source: ByteSource, file: string, report: ReportFault): CocoAnnotations {
  const reader = new JsonReader(source, file);
  if (reader.kind() === 'array') {
    throw reader.fail(
      'The file is a list, not an object with images, annotations and categories',
      'a list is the form of detection results: name the annotation file here',
    );
  }
  // Where a picture's outlines are drawn by hand, a number takes ten to fourteen bytes of the file.
  const raw = emptyRaw(file, Math.min(source.size / 12, 1 << 27));
  const seen = new Set<string>();
  reader.readObject((key) => {
    const isSecond = seen.has(key);
    seen.add(key);
    if (isSecond && SECTIONS.includes(key)) {
      reader.skipValue();
      report({
        severity: 'error',
        code: 'section-twice',
        file,
        subject: 'the file',
        problem: `has "${key}" twice`,
        action: 'join the two lists into one; other tools would use only the last',
      });
    } else if (key === 'images') readRecords(reader, 'image', raw, report, (note) => readImage(reader, raw, note));
    else if (key === 'annotations') {
      readRecords(reader, 'annotation', raw, report, (note) => readAnnotation(reader, raw, note));
    } else if (key === 'categories') {
      readRecords(reader, 'category', raw, report, (note) => {
        if (raw.categories.length >= MAX_CATEGORIES) {
          throw reader.fail(
            `There are more than ${MAX_CATEGORIES} categories`,
            'list the classes of the objects, each once, under "categories"',
          );
        }
        return readCategory(reader, raw, note);
      });
    } else reader.skipValue();
  });
  reader.finish();
  for (const key of SECTIONS) {
    if (seen.has(key)) continue;
    report({
      severity: 'error',
      code: `no-${key}`,
      file,
      subject: 'the file',
      problem: `has no "${key}"`,
      action: 'a COCO instances file has images, annotations and categories',
    });
  }
  return resolveCoco(raw, report);
}

const SECTIONS: readonly string[] = ['images', 'annotations', 'categories'];

function emptyRaw(file: string, numCoordinatesHint: number): RawCoco {
  return {
    file,
    names: { image: new Identifiers(), category: new Identifiers(), annotation: new Identifiers() },
    imageIds: new GrowingFloat64(),
    imageWidths: new GrowingInt32(),
    imageHeights: new GrowingInt32(),
    fileNames: [],
    categories: [],
    ids: new GrowingFloat64(),
    imageIdOf: new GrowingFloat64(),
    categoryIdOf: new GrowingFloat64(),
    boxes: new GrowingFloat64(),
    areas: new GrowingFloat64(),
    crowds: new GrowingBytes(),
    segmentations: new SegmentationBuilder(Math.ceil(numCoordinatesHint) + 1024),
  };
}

/** Reads a list of objects; `record` reads one and returns its id, which names it in the faults it noted. */
function readRecords(
  reader: JsonReader,
  kind: 'image' | 'annotation' | 'category',
  { file, names }: RawCoco,
  report: ReportFault,
  record: (note: NoteFault) => number,
): void {
  let faults: RecordFault[] = [];
  const note: NoteFault = (fault) => {
    faults.push(fault);
  };
  let index = -1;
  reader.readArray(() => {
    index++;
    if (reader.kind() !== 'object') throw reader.fail(`Entry ${index} of the ${kind} list is no object`, 'remove it');
    names[kind].lastSeen = 'nothing';
    const id = record(note);
    if (Number.isNaN(id)) {
      note({
        severity: 'error',
        code: `${kind}-without-id`,
        problem: `has ${names[kind].lastSeen} as id`,
        action: 'ids are whole numbers or texts, each used once',
      });
    }
    if (faults.length === 0) return;
    const subject = Number.isSafeInteger(id) && id >= 0 ? `${kind} ${id}` : `${kind} number ${index + 1} of the list`;
    for (const fault of faults) report({ ...fault, file, subject });
    faults = [];
  });
}

function readImage(reader: JsonReader, raw: RawCoco, note: NoteFault): number {
  let id = Number.NaN;
  let width = 0;
  let height = 0;
  let fileName = '';
  let url = '';
  reader.readObject((key) => {
    if (key === 'id') id = raw.names.image.read(reader);
    else if (key === 'width') width = reader.readNumberOrNaN();
    else if (key === 'height') height = reader.readNumberOrNaN();
    else if (key === 'file_name' && reader.kind() === 'string') fileName = reader.readString();
    else if (URL_KEYS.includes(key) && reader.kind() === 'string') url = reader.readString() || url;
    else reader.skipValue();
  });
  if (fileName === '' && url !== '') {
    fileName = url;
    note({
      severity: 'warning',
      code: 'file-name-missing',
      problem: 'has no file_name',
      action: `its picture is looked for by the name in ${url}`,
    });
  }
  if (!isPictureSide(width) || !isPictureSide(height)) {
    note({
      severity: 'error',
      code: 'image-size-invalid',
      problem: `has the size ${sideText(width)} × ${sideText(height)} (width × height)`,
      action: 'give whole numbers of pixels',
    });
    width = 0;
    height = 0;
  }
  // A record that cannot be referred to is left out.
  if (Number.isNaN(id)) return id;
  raw.imageIds.push(id);
  raw.imageWidths.push(width);
  raw.imageHeights.push(height);
  raw.fileNames.push(fileName);
  return id;
}

/** Keys that name a picture where `file_name` does not. */
const URL_KEYS: readonly string[] = ['coco_url', 'flickr_url', 'url', 'path'];

function sideText(size: number): string {
  return Number.isNaN(size) ? 'no number' : String(size);
}

function isPictureSide(size: number): boolean {
  return Number.isInteger(size) && size >= 0 && size < 1 << 26;
}

function readCategory(reader: JsonReader, raw: RawCoco, note: NoteFault): number {
  let id = Number.NaN;
  let name: string | undefined;
  let supercategory: string | undefined;
  reader.readObject((key) => {
    if (key === 'id') id = raw.names.category.read(reader);
    else if (key === 'name' && reader.kind() === 'string') name = reader.readString();
    else if (key === 'name' && reader.kind() === 'number') name = String(reader.readNumber());
    else if (key === 'supercategory' && reader.kind() === 'string') supercategory = reader.readString();
    else reader.skipValue();
  });
  if (Number.isNaN(id)) return id;
  if (name === undefined || name === '') {
    note({
      severity: 'warning',
      code: 'category-without-name',
      problem: 'has no name',
      action: `called "category ${id}"`,
    });
    name = `category ${id}`;
  }
  raw.categories.push(supercategory === undefined ? { id, name } : { id, name, supercategory });
  return id;
}

const scratchBox = new GrowingFloat64(8);

function readAnnotation(reader: JsonReader, raw: RawCoco, note: NoteFault): number {
  let id = Number.NaN;
  let imageId = Number.NaN;
  let categoryId = Number.NaN;
  let area = Number.NaN;
  let reference: string | undefined;
  let crowd: number | undefined;
  let hasBox = false;
  raw.segmentations.discardEntry();
  reader.readObject((key) => {
    switch (key) {
      case 'id':
        id = raw.names.annotation.read(reader);
        break;
      case 'image_id':
        imageId = raw.names.image.read(reader);
        if (Number.isNaN(imageId)) reference = `${raw.names.image.lastSeen} as image_id`;
        break;
      case 'category_id':
        categoryId = raw.names.category.read(reader);
        if (Number.isNaN(categoryId)) reference = `${raw.names.category.lastSeen} as category_id`;
        break;
      case 'area':
        area = reader.readNumberOrNaN();
        break;
      case 'iscrowd':
        crowd = reader.kind() === 'literal' ? Number(reader.readLiteral()) : reader.readNumberOrNaN();
        break;
      case 'bbox':
        if (reader.kind() === 'array') hasBox = readBox(reader, note);
        else reader.skipValue();
        break;
      case 'segmentation':
        raw.segmentations.discardEntry();
        readSegmentation(reader, raw.segmentations, note);
        break;
      default:
        reader.skipValue();
    }
  });
  if (Number.isNaN(imageId) || Number.isNaN(categoryId)) {
    note({
      severity: 'error',
      code: 'annotation-without-reference',
      problem: `has ${reference ?? `no ${Number.isNaN(imageId) ? 'image_id' : 'category_id'}`}`,
      action: 'name the picture and the category by their ids',
    });
  }
  if (crowd !== 0 && crowd !== 1) {
    note({
      severity: 'warning',
      code: crowd === undefined ? 'iscrowd-missing' : 'iscrowd-invalid',
      problem: crowd === undefined ? 'has no iscrowd' : `has ${Number.isNaN(crowd) ? 'no number' : crowd} as iscrowd`,
      action: 'taken as 0, a single object',
    });
    crowd = 0;
  }
  raw.ids.push(id);
  raw.imageIdOf.push(imageId);
  raw.categoryIdOf.push(categoryId);
  for (let side = 0; side < 4; side++) raw.boxes.push(hasBox ? scratchBox.data[side]! : Number.NaN);
  raw.areas.push(Number.isFinite(area) ? area : Number.NaN);
  raw.crowds.push(crowd);
  raw.segmentations.endEntry();
  return id;
}

/** Reads a box into the scratch; false when it cannot be used. */
function readBox(reader: JsonReader, note: NoteFault): boolean {
  scratchBox.length = 0;
  const numNumbers = reader.readNumbers(scratchBox);
  if (numNumbers === 0) return false;
  const { data } = scratchBox;
  const isFinite = data.subarray(0, numNumbers).every(Number.isFinite);
  if (numNumbers === 4 && isFinite) return true;
  note({
    severity: 'error',
    code: 'box-invalid',
    problem: isFinite ? `its bbox has ${numNumbers} numbers` : 'its bbox has a value that is no finite number',
    action: 'write [x, y, width, height] in pixels; NaN and Infinity are no JSON',
  });
  return false;
}
