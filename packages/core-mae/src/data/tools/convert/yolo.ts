import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { MaeError, messageOf } from '../../../base/errors.js';
import { openImage } from '../../images/image.js';
import { listFiles } from '../../../base/listing.js';
import { isPictureName, notPictures } from '../../../base/picture-names.js';
import { type ConvertedImage, type ConvertedObject, type ConvertResult, writeCocoDocument } from './coco-document.js';

const SPLITS: Readonly<Record<string, string>> = { train: 'train', val: 'val', valid: 'val', test: 'test' };

/**
 * Writes COCO annotation files for a YOLO folder: `images/<split>` with `labels/<split>/*.txt` (or `<split>/images`
 * and `<split>/labels`), class names from `data.yaml` or `classes.txt`. A label line is a class and a box (centre and
 * size) or an outline, in shares of the picture. Pictures stay where they are.
 *
 * @param out the folder for the files, `instances_<split>.json`; default `annotations` in the data set
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_INVALID` naming the file and line, `WRITE_FAILED`
 */
export async function convertYolo(path: string, out = join(path, 'annotations')): Promise<ConvertResult> {
  const classNames = readClassNames(path);
  const splits = findSplits(path);
  if (splits.length === 0) {
    throw new MaeError('DATA_NOT_FOUND', {
      what: 'there are no folders of pictures and labels',
      where: path,
      fix: 'a YOLO data set has images/train and labels/train',
    });
  }
  const warnings: string[] = [];
  const files: string[] = [];
  let numImages = 0;
  let numAnnotations = 0;
  for (const { split, images, labels } of splits) {
    const converted: ConvertedImage[] = [];
    const listing = await listFiles(images);
    warnings.push(...notPictures(images, listing.files));
    for (const fileName of listing.files.filter(isPictureName)) {
      const labelFile = join(labels, fileName.replace(/\.[^.]+$/u, '.txt'));
      try {
        const { width, height } = await openImage({ kind: 'file', path: join(images, fileName) });
        // A picture without a label file has no objects.
        const text = existsSync(labelFile) ? readFileSync(labelFile, 'utf8') : '';
        converted.push({
          fileName,
          width,
          height,
          objects: parseLabels(text, labelFile, width, height, classNames.length),
        });
      } catch (error) {
        if (!(error instanceof MaeError) || !error.code.startsWith('IMAGE_')) throw error;
        warnings.push(`${fileName}: left out, ${error.message}`);
      }
    }
    const file = join(out, `instances_${split}.json`);
    numAnnotations += await writeCocoDocument(file, classNames, converted);
    numImages += converted.length;
    files.push(file);
  }
  return { files, images: numImages, annotations: numAnnotations, classNames, warnings };
}

interface YoloSplit {
  readonly split: string;
  readonly images: string;
  readonly labels: string;
}

function findSplits(path: string): YoloSplit[] {
  const found: YoloSplit[] = [];
  for (const [name, split] of Object.entries(SPLITS)) {
    const layouts = [
      { images: join(path, 'images', name), labels: join(path, 'labels', name) },
      { images: join(path, name, 'images'), labels: join(path, name, 'labels') },
    ];
    const layout = layouts.find(({ images }) => existsSync(images));
    if (layout !== undefined) found.push({ split, ...layout });
  }
  const flat = { split: 'train', images: join(path, 'images'), labels: join(path, 'labels') };
  return found.length === 0 && existsSync(flat.labels) ? [flat] : found;
}

const dataFile = z.looseObject({
  names: z.union([z.array(z.string()), z.record(z.string(), z.string())]),
});

function readClassNames(path: string): string[] {
  const yaml = existsSync(path) ? readdirSync(path).find((name) => /^(?:data|dataset)\.ya?ml$/u.test(name)) : undefined;
  const list = ['classes.txt', 'obj.names'].map((name) => join(path, name)).find((file) => existsSync(file));
  if (yaml !== undefined) return namesOfYaml(join(path, yaml));
  if (list !== undefined) {
    const names = readFileSync(list, 'utf8').split(/\r?\n/u);
    return names.map((name) => name.trim()).filter((name) => name !== '');
  }
  throw new MaeError('DATA_NOT_FOUND', {
    what: 'there is no data.yaml or classes.txt with the names of the classes',
    where: path,
    fix: 'write a classes.txt with one name a line',
  });
}

function namesOfYaml(file: string): string[] {
  let parsed: z.infer<typeof dataFile>;
  try {
    parsed = dataFile.parse(parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new MaeError('DATA_INVALID', {
      what: `the names of the classes cannot be read (${messageOf(cause)})`,
      where: file,
      fix: 'it needs "names", a list, or a map from 0, 1, … to names',
      cause,
    });
  }
  if (Array.isArray(parsed.names)) return parsed.names;
  const { names } = parsed;
  return Object.keys(names).map((_, index) => {
    const name = names[index];
    if (name !== undefined) return name;
    throw new MaeError('DATA_INVALID', {
      what: `class ${index} has no name`,
      where: file,
      fix: 'number classes 0, 1, …',
    });
  });
}

function parseLabels(text: string, file: string, width: number, height: number, numClasses: number): ConvertedObject[] {
  const objects: ConvertedObject[] = [];
  text.split(/\r?\n/u).forEach((line, index) => {
    const cells = line.trim().split(/\s+/u);
    if (cells[0] === '') return;
    const [classIndex, ...shares] = cells.map(Number) as [number, ...number[]];
    const isBox = shares.length === 4;
    const isOutline = shares.length >= 6 && shares.length % 2 === 0;
    if (!shares.every((share) => Number.isFinite(share)) || !(isBox || isOutline)) {
      throw invalidLine(file, index, 'is no class with a box or an outline');
    }
    if (!Number.isInteger(classIndex) || classIndex < 0 || classIndex >= numClasses) {
      throw invalidLine(file, index, `has class ${cells[0]!}, but there are ${numClasses} classes`);
    }
    if (shares.some((share) => Math.abs(share) > 2)) {
      throw invalidLine(
        file,
        index,
        'has values beyond the picture: they are shares of its width and height, not pixels',
      );
    }
    objects.push(
      isBox ? boxObject(classIndex, shares, width, height) : outlineObject(classIndex, shares, width, height),
    );
  });
  return objects;
}

function boxObject(classIndex: number, shares: readonly number[], width: number, height: number): ConvertedObject {
  const [centerX, centerY, w, h] = shares as unknown as readonly [number, number, number, number];
  return { classIndex, box: [(centerX - w / 2) * width, (centerY - h / 2) * height, w * width, h * height] };
}

function outlineObject(classIndex: number, shares: readonly number[], width: number, height: number): ConvertedObject {
  const points = shares.map((share, i) => share * (i % 2 === 0 ? width : height));
  const xs = points.filter((_, i) => i % 2 === 0);
  const ys = points.filter((_, i) => i % 2 === 1);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { classIndex, box: [left, top, Math.max(...xs) - left, Math.max(...ys) - top], polygons: [points] };
}

function invalidLine(file: string, index: number, problem: string): MaeError {
  return new MaeError('DATA_INVALID', {
    what: `line ${index + 1} ${problem}`,
    where: file,
    fix: 'a line is "class x y width height" or "class x1 y1 x2 y2 x3 y3 …", from 0 to 1',
  });
}
