import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { MaeError } from '../../../base/errors.js';
import { nameProblem } from '../../coco/picture-names.js';
import { openImage } from '../../images/image.js';
import { byCodeUnit, checkInside, listFiles } from '../../../base/listing.js';
import { type ConvertedImage, type ConvertedObject, type ConvertResult, writeCocoDocument } from './coco-document.js';
import { childOf, parseXmlElements, type XmlElement } from './xml-elements.js';

export interface PascalVocOptions {
  /** The folder for the files, `instances_<split>.json`; default `annotations` in the data set. */
  readonly out?: string;
  /**
   * What objects marked difficult become: crowds (not counted in scores, as VOC has it, and left out of training),
   * ordinary objects, or nothing. Default `crowd`.
   */
  readonly difficult?: 'crowd' | 'keep' | 'drop';
}

/**
 * Writes COCO annotation files for a Pascal VOC folder: `Annotations/*.xml`, `JPEGImages`, and the lists of
 * `ImageSets/Main/{train,val,test}.txt` where there are any. VOC counts pixels from 1 and includes both ends, so a box
 * `xmin … xmax` becomes x = xmin − 1 and width = xmax − xmin + 1. Classes are in the order of their names.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_INVALID` or `PATH_ESCAPES` naming the file, `WRITE_FAILED`
 */
export async function convertPascalVoc(path: string, options: PascalVocOptions = {}): Promise<ConvertResult> {
  const { out = join(path, 'annotations'), difficult = 'crowd' } = options;
  const annotationFolder = join(path, 'Annotations');
  if (!existsSync(annotationFolder)) {
    throw new MaeError('DATA_NOT_FOUND', {
      what: 'there is no folder Annotations',
      where: path,
      fix: 'a Pascal VOC data set has Annotations/*.xml and JPEGImages',
    });
  }
  const { files: listed } = await listFiles(annotationFolder);
  const documents = new Map<string, VocPicture>();
  const warnings: string[] = [];
  for (const name of listed.filter((file) => file.endsWith('.xml'))) {
    const file = join(annotationFolder, name);
    const root = parseXmlElements(readFileSync(file, 'utf8'), file);
    const picture = await readPicture(root, file, path, warnings);
    if (picture !== undefined) documents.set(name.slice(0, -4), picture);
  }
  const classNames = [...new Set([...documents.values()].flatMap(({ objects }) => objects.map(({ name }) => name)))];
  classNames.sort(byCodeUnit);

  const files: string[] = [];
  let numImages = 0;
  let numAnnotations = 0;
  for (const [split, stems] of readSplits(path, [...documents.keys()], warnings)) {
    const images = stems.map((stem): ConvertedImage => {
      const { objects, ...picture } = documents.get(stem)!;
      const kept = objects.filter((object) => !(object.difficult && difficult === 'drop'));
      return {
        ...picture,
        objects: kept.map(({ name, box, difficult: isDifficult }): ConvertedObject => ({
          classIndex: classNames.indexOf(name),
          box,
          crowd: isDifficult && difficult === 'crowd',
        })),
      };
    });
    const file = join(out, `instances_${split}.json`);
    numAnnotations += await writeCocoDocument(file, classNames, images);
    numImages += images.length;
    files.push(file);
  }
  return { files, images: numImages, annotations: numAnnotations, classNames, warnings };
}

interface VocObject {
  readonly name: string;
  readonly box: readonly [number, number, number, number];
  readonly difficult: boolean;
}

interface VocPicture {
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly VocObject[];
}

async function readPicture(
  root: XmlElement,
  file: string,
  path: string,
  warnings: string[],
): Promise<VocPicture | undefined> {
  const fileName = childOf(root, 'filename')?.text ?? '';
  const problem = nameProblem(fileName);
  if (problem !== undefined) {
    throw new MaeError(fileName === '' ? 'DATA_INVALID' : 'PATH_ESCAPES', {
      what: problem.replace('file_name', 'filename'),
      where: file,
      fix: 'filename is the name of the picture in JPEGImages',
    });
  }
  const folder = [join(path, 'JPEGImages'), join(path, 'images')].find((each) => existsSync(each)) ?? path;
  const picturePath = join(folder, fileName);
  if (existsSync(picturePath)) checkInside(realpathSync(folder), realpathSync(picturePath), picturePath);
  try {
    const { width, height } = await openImage({ kind: 'file', path: picturePath });
    const size = childOf(root, 'size');
    const declared = size === undefined ? undefined : [numberIn(size, 'width', file), numberIn(size, 'height', file)];
    if (declared !== undefined && (declared[0] !== width || declared[1] !== height)) {
      warnings.push(
        `${file}: size is ${declared.join(' × ')}, the picture ${width} × ${height}; the picture's is used`,
      );
    }
    const objects = root.children.filter(({ name }) => name === 'object').map((object) => readObject(object, file));
    return { fileName, width, height, objects };
  } catch (error) {
    if (!(error instanceof MaeError) || !error.code.startsWith('IMAGE_')) throw error;
    warnings.push(`${file}: left out, ${error.message}`);
    return undefined;
  }
}

function readObject(object: XmlElement, file: string): VocObject {
  const name = childOf(object, 'name')?.text ?? '';
  const bounds = childOf(object, 'bndbox');
  if (name === '' || bounds === undefined) {
    throw new MaeError('DATA_INVALID', { what: 'an object has no name or bndbox', where: file, fix: 'correct it' });
  }
  const [x0, y0, x1, y1] = ['xmin', 'ymin', 'xmax', 'ymax'].map((key) => numberIn(bounds, key, file)) as [
    number,
    number,
    number,
    number,
  ];
  return {
    name,
    box: [x0 - 1, y0 - 1, x1 - x0 + 1, y1 - y0 + 1],
    difficult: childOf(object, 'difficult')?.text === '1',
  };
}

function numberIn(element: XmlElement, name: string, file: string): number {
  const text = childOf(element, name)?.text ?? '';
  const value = Number(text);
  if (text !== '' && Number.isFinite(value)) return value;
  throw new MaeError('DATA_INVALID', {
    what: `${name} (=${text}) in ${element.name} is no number`,
    where: file,
    fix: 'correct it',
  });
}

/** The names in each split's list; all as `train` where there are no lists. */
function readSplits(path: string, stems: readonly string[], warnings: string[]): Array<[string, string[]]> {
  const known = new Set(stems);
  const splits: Array<[string, string[]]> = [];
  for (const split of ['train', 'val', 'test']) {
    const file = join(path, 'ImageSets', 'Main', `${split}.txt`);
    if (!existsSync(file)) continue;
    const names = readFileSync(file, 'utf8')
      .split(/\r?\n/u)
      .map((line) => line.trim().split(/\s+/u)[0] ?? '')
      .filter((name) => name !== '');
    const missing = names.filter((name) => !known.has(name));
    warnings.push(...missing.map((name) => `${file}: ${name} has no usable annotation file and is left out`));
    splits.push([split, names.filter((name) => known.has(name))]);
  }
  return splits.length === 0 ? [['train', [...stems]]] : splits;
}
