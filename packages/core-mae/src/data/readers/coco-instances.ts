import { dirname, relative } from 'node:path';
import { z } from 'zod';
import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import type { EncodedMask, InstanceAnnotations } from '../targets/instance-target.js';
import { checkSettings } from '../../base/check-settings.js';
import {
  annotationPolygons,
  annotationsOfImage,
  type CocoAnnotations,
  hasWidthAndHeight,
} from '../coco/annotations.js';
import { chooseImageFolder, imagePaths } from '../coco/image-paths.js';
import { type CocoLayoutOptions, cocoSplits, locateCoco, looksLikeCoco } from './coco-layout.js';
import { loadCoco } from '../coco/parse.js';
import { NO_SEGMENTATION, RUNS } from '../masks/segmentation.js';

export interface CocoDatasetOptions extends CocoLayoutOptions {
  /** What becomes of pictures without a usable object: training on objects leaves them out. Default `keep`. */
  readonly emptyImages?: 'keep' | 'skip';
}

/** A COCO data set: items for training and the annotations for scoring. */
export interface CocoDataset extends Dataset<InstanceAnnotations> {
  readonly annotations: CocoAnnotations;
  readonly imageFolder: string;
}

/** Whether a data set was read from a COCO file, so that its annotations are at hand. */
export function isCocoDataset(data: Dataset): data is CocoDataset {
  return 'annotations' in data && 'imageFolder' in data;
}

/**
 * A data set in COCO's layout; see `locateCoco` for where files may lie. Items are in the file's order. They have boxes
 * without area too, for scoring; training leaves these out.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `ANNOTATION_INVALID`, `DATA_EMPTY`; an item throws `PATH_ESCAPES`.
 */
export function cocoDataset(path: string, options: CocoDatasetOptions = {}): CocoDataset {
  const layout = locateCoco(path, options);
  const { annotations, warnings } = loadCoco(layout.annotationFile);
  const imageFolder = chooseImageFolder(annotations, layout.imageFolders);
  const pathOf = imagePaths(annotations, imageFolder);
  const images = imagesInUse(annotations, options.emptyImages ?? 'keep');
  if (images.length === 0) {
    throw new MaeError('DATA_EMPTY', {
      what: annotations.images.size === 0 ? 'the file lists no pictures' : 'no picture has an object',
      where: layout.annotationFile,
      fix: 'check the annotation file',
    });
  }
  return {
    name: layout.annotationFile,
    size: images.length,
    item: (index) => {
      const image = images[index]!;
      return {
        id: annotations.images.fileNames[image]!,
        image: { kind: 'file', path: pathOf(image) },
        target: instancesOfImage(annotations, image),
      };
    },
    classNames: annotations.categories.map(({ name }) => name),
    classIds: annotations.categories.map(({ id }) => id),
    layout: layoutOf(path, layout.annotationFile, imageFolder),
    labelling: { unit: 'object', countsOf: (index) => classCounts(annotations, images[index]!) },
    warnings,
    annotations,
    imageFolder,
  };
}

/** A picture's objects as plain data; its arrays are copies, small enough to be sent to a worker thread. */
export function instancesOfImage(annotations: CocoAnnotations, image: number): InstanceAnnotations {
  const entries = [...annotationsOfImage(annotations, image)];
  const { images, boxes } = annotations;
  return {
    imageId: images.ids[image]!,
    width: images.widths[image]!,
    height: images.heights[image]!,
    ids: Float64Array.from(entries, (entry) => annotations.ids[entry]!),
    boxes: Float64Array.from(
      entries.flatMap((entry) => {
        const [x, y, width, height] = boxes.subarray(4 * entry, 4 * entry + 4) as unknown as Quad;
        return [x, y, x + width, y + height];
      }),
    ),
    classes: Int32Array.from(entries, (entry) => annotations.categoryIndexes[entry]!),
    crowds: Uint8Array.from(entries, (entry) => annotations.crowds[entry]!),
    areas: Float64Array.from(entries, (entry) => annotations.areas[entry]!),
    masks: entries.map((entry) => encodedMask(annotations, entry)),
  };
}

function layoutOf(path: string, annotationFile: string, imageFolder: string): string {
  const file = relative(path, annotationFile);
  const beside = relative(dirname(annotationFile), imageFolder) === '';
  const below = relative(path, imageFolder);
  const pictures = beside ? 'beside it' : `in ${below === '' || below.startsWith('..') ? imageFolder : below}`;
  return `COCO, ${file === '' ? 'the annotation file itself' : file}, pictures ${pictures}`;
}

/** How many objects of each class a picture has, crowds left out. */
function classCounts(annotations: CocoAnnotations, image: number): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const entry of annotationsOfImage(annotations, image)) {
    if (annotations.crowds[entry] === 1) continue;
    const index = annotations.categoryIndexes[entry]!;
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  return counts;
}

type Quad = readonly [number, number, number, number];

function encodedMask(annotations: CocoAnnotations, entry: number): EncodedMask | undefined {
  const pool = annotations.segmentations;
  if (pool.kinds[entry] === NO_SEGMENTATION) return undefined;
  if (pool.kinds[entry] === RUNS) {
    return {
      kind: 'runs',
      bytes: pool.runBytes.slice(entry === 0 ? 0 : pool.runEnds[entry - 1], pool.runEnds[entry]),
      height: pool.runSizes[2 * entry]!,
      width: pool.runSizes[2 * entry + 1]!,
    };
  }
  return { kind: 'polygons', parts: annotationPolygons(annotations, entry).map((part) => part.slice()) };
}

function imagesInUse(annotations: CocoAnnotations, emptyImages: 'keep' | 'skip'): number[] {
  const all = [...annotations.images.fileNames.keys()];
  if (emptyImages === 'keep') return all;
  return all.filter((image) =>
    annotationsOfImage(annotations, image).some(
      (entry) => annotations.crowds[entry] === 0 && hasWidthAndHeight(annotations.boxes, entry),
    ),
  );
}

const text = z.string().min(1).exactOptional();
const schema: z.ZodType<CocoDatasetOptions> = z.strictObject({
  split: text,
  annotations: text,
  images: text,
  emptyImages: z.enum(['keep', 'skip']).exactOptional(),
});

/** COCO's layout and its relatives; `data.format` "coco". */
export const cocoReader: DataReader = {
  name: 'coco',
  settings: ['images', 'annotations'],
  recognizes: (path) => Promise.resolve(looksLikeCoco(path)),
  splits: (path) => Promise.resolve(cocoSplits(path)),
  open: async (path, options = {}) =>
    Promise.resolve(cocoDataset(path, checkSettings(schema, options, 'data reader coco'))),
};
