/*
 * data/tools/convert/: other formats of annotations on their way to COCO's: YOLO, Pascal VOC, and the writer they
 * share (this file). Pictures stay where they are.
 * Not here: reading COCO: `data/coco`.
 * Called by: `mae-tasks data convert`.
 */

import { dirname } from 'node:path';
import { createFolder, writeFileAtomically } from '../../../base/atomic-write.js';

/** A data set of another format on its way to COCO's. */
export interface ConvertedImage {
  /** Relative to the folder of pictures. */
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly ConvertedObject[];
}

export interface ConvertedObject {
  /** Contiguous, from 0. */
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

/** Writes an instances file; class k becomes category k + 1. Returns the number of annotations. */
export async function writeCocoDocument(
  path: string,
  classNames: readonly string[],
  images: readonly ConvertedImage[],
): Promise<number> {
  await createFolder(dirname(path));
  await writeFileAtomically(path, documentText(classNames, images));
  return images.reduce((sum, { objects }) => sum + objects.length, 0);
}

function* documentText(classNames: readonly string[], images: readonly ConvertedImage[]): Generator<string> {
  const categories = classNames.map((name, index) => ({ id: index + 1, name }));
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
