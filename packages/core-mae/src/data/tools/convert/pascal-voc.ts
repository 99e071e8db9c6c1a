import { join } from 'node:path';
import { readText } from '../../../base/decode-text.js';
import { MaeError } from '../../../base/errors.js';
import { byCodeUnit } from '../../../base/listing.js';
import { foldedName } from '../../../base/folded-name.js';
import { openImage } from '../../images/image.js';
import {
  type ConvertedImage,
  type ConvertedObject,
  type ConvertOptions,
  type ConvertResult,
  writeSplits,
} from './coco-document.js';
import { type DataSetFiles, openDataSetFiles } from './data-set-files.js';
import { createNotes, type Notes, someOf } from './notes.js';
import { readVocAnnotation, type VocObject } from './voc-annotation.js';
import { placePictures, type VocDocument, vocPlace } from './voc-pictures.js';
import { vocSplits } from './voc-splits.js';
import { parseXmlElements } from './xml-elements.js';

export interface PascalVocOptions extends ConvertOptions {
  /**
   * What objects marked difficult become: crowds (not counted in scores, as VOC has it, and left out of training),
   * ordinary objects, or nothing. Default `crowd`.
   */
  readonly difficult?: 'crowd' | 'keep' | 'drop';
  /** What the first pixel is called: 1 by VOC itself, 0 by many tools. Default 1, or 0 where a box begins before 1. */
  readonly firstPixel?: 0 | 1;
}

/** An XML file of one picture is some kilobytes large. */
const MAX_XML_BYTES = 16 << 20;

/**
 * Writes COCO annotation files for Pascal VOC's XML files, wherever they lie below a folder: `Annotations/*.xml` with
 * `JPEGImages`, for several years in one folder, or beside their pictures. Splits are those of `ImageSets`, or of folders
 * called `train`, `valid` and `test`. VOC counts pixels from 1 and includes both ends, so a box `xmin … xmax` becomes
 * x = xmin − 1 and width = xmax − xmin + 1; counted from 0, x = xmin and width = xmax − xmin. Classes are in the order of
 * their names. Pictures are named relative to `path`.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_INVALID` or `PATH_ESCAPES` naming the file and the line, `WRITE_FAILED`
 */
export async function convertPascalVoc(path: string, options: PascalVocOptions = {}): Promise<ConvertResult> {
  const { difficult = 'crowd' } = options;
  const files = await openDataSetFiles(path, options.followLinks);
  const notes = createNotes();
  for (const warning of files.warnings) notes.add('links', warning);
  const documents = readDocuments(path, files, notes);
  const pictures = placePictures(documents, files, notes);
  noteUnannotated(files, pictures, notes);
  const firstPixel = options.firstPixel ?? firstPixelOf(documents, notes);
  const classNames = classNamesOf([...pictures.keys()], notes);
  const classIndexOf = new Map(classNames.map((name, index) => [name, index]));

  const images: Record<'train' | 'val' | 'test', ConvertedImage[]> = { train: [], val: [], test: [] };
  for (const [document, split] of vocSplits(path, pictures, files, notes)) {
    const picture = pictures.get(document)!;
    const size = await sizeOf(path, picture, document, notes);
    if (size === undefined) continue;
    const objects = document.objects.flatMap((object): ConvertedObject[] => {
      if (object.difficult && difficult === 'drop') return [];
      const box = boxIn(object, firstPixel, size, document.file, notes);
      const crowd = object.difficult && difficult === 'crowd';
      return box === undefined ? [] : [{ classIndex: classIndexOf.get(object.name)!, box, crowd }];
    });
    images[split].push({ fileName: picture, ...size, objects });
  }
  const categories = classNames.map((name, index) => ({ index, name }));
  return writeSplits(path, categories, Object.entries(images), notes, options);
}

function readDocuments(path: string, files: DataSetFiles, notes: Notes): VocDocument[] {
  const documents: VocDocument[] = [];
  for (const file of files.files) {
    if (!file.toLowerCase().endsWith('.xml')) continue;
    const place = join(path, file);
    const root = parseXmlElements(readText(place, { maxBytes: MAX_XML_BYTES }), place);
    if (root.name !== 'annotation') {
      notes.add('other XML files', `${place}, line ${root.line}: left out, it is <${root.name}> and no <annotation>`);
      continue;
    }
    documents.push({ ...readVocAnnotation(root, place, notes), file: place, path: file, place: vocPlace(file, files) });
  }
  if (documents.length > 0) return documents;
  throw new MaeError('DATA_NOT_FOUND', {
    what: files.foldersIn('').some((name) => /^annotations$/iu.test(name))
      ? 'there is no XML file of annotations'
      : 'there is no folder Annotations, and no XML file of annotations',
    where: path,
    fix: 'a Pascal VOC data set has Annotations/*.xml and JPEGImages',
  });
}

/** VOC's 1, unless a box shows that pixels are counted from 0. */
function firstPixelOf(documents: readonly VocDocument[], notes: Notes): 0 | 1 {
  for (const { file, objects } of documents) {
    const early = objects.find(({ corners }) => corners[0] < 1 || corners[1] < 1);
    if (early === undefined) continue;
    notes.add(
      'first pixel',
      `${file}, line ${early.line}: a box begins at ${Math.min(early.corners[0], early.corners[1])}, so all pixels are ` +
        'taken as counted from 0; --first-pixel 1 counts them from 1, as VOC does',
    );
    return 0;
  }
  return 1;
}

function classNamesOf(documents: readonly VocDocument[], notes: Notes): string[] {
  const names = new Set<string>();
  for (const { objects } of documents) for (const { name } of objects) names.add(name);
  const sorted = [...names].sort(byCodeUnit);
  const byFolded = new Map<string, string>();
  for (const name of sorted) {
    const other = byFolded.get(foldedName(name));
    if (other !== undefined)
      notes.add('classes alike', `the classes ${other} and ${name} differ by case alone; kept as two`);
    byFolded.set(foldedName(name), name);
  }
  return sorted;
}

function noteUnannotated(files: DataSetFiles, pictures: ReadonlyMap<VocDocument, string>, notes: Notes): void {
  const used = new Set(pictures.values());
  const folders = new Set([...pictures.keys()].flatMap(({ place }) => place.pictureFolders));
  const others = files.pictures.filter(
    (picture) => !used.has(picture) && folders.has(picture.slice(0, Math.max(0, picture.lastIndexOf('/')))),
  );
  if (others.length === 0) return;
  notes.add('pictures without XML', `${others.length} pictures have no XML file and are left out (${someOf(others)})`);
}

async function sizeOf(
  path: string,
  picture: string,
  { file, size }: VocDocument,
  notes: Notes,
): Promise<{ readonly width: number; readonly height: number } | undefined> {
  try {
    const { width, height } = await openImage({ kind: 'file', path: join(path, picture) });
    if (size !== undefined && (size.width !== width || size.height !== height)) {
      notes.add(
        'sizes that differ',
        `${file}, line ${size.line}: size is ${size.width} × ${size.height}, the picture ${width} × ${height}; ` +
          "the picture's is used",
      );
    }
    return { width, height };
  } catch (error) {
    if (!(error instanceof MaeError) || !error.code.startsWith('IMAGE_')) throw error;
    notes.add('pictures that cannot be read', `${file}: left out, ${error.message}`);
    return undefined;
  }
}

/** `[x, y, width, height]` inside the picture; undefined, and noted, where nothing of the box is. */
function boxIn(
  { corners, name, line }: VocObject,
  firstPixel: 0 | 1,
  { width, height }: { readonly width: number; readonly height: number },
  file: string,
  notes: Notes,
): readonly [number, number, number, number] | undefined {
  const [x0, y0] = [corners[0] - firstPixel, corners[1] - firstPixel];
  const [, , x1, y1] = corners;
  const [left, top] = [Math.max(0, x0), Math.max(0, y0)];
  const [right, bottom] = [Math.min(width, x1), Math.min(height, y1)];
  const where = `${file}, line ${line}: the box (${corners.join(', ')}) of ${name}`;
  if (!(right > left && bottom > top)) {
    const reason = x1 > x0 && y1 > y0 ? `lies outside the picture (${width} × ${height})` : 'has no area';
    notes.add('boxes left out', `${where} ${reason}; left out`);
    return undefined;
  }
  if (left - x0 > 1 || top - y0 > 1 || x1 - right > 1 || y1 - bottom > 1) {
    notes.add('boxes cut at the edge', `${where} passes the edge of the picture (${width} × ${height}); cut there`);
  }
  return [left, top, right - left, bottom - top];
}
