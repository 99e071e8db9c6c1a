import { MaeError } from '../../base/errors.js';
import type { Rle } from '../masks/rle.js';
import { decodeRle } from '../masks/rle.js';
import { polygonsAt, rleAt, type SegmentationPool } from '../masks/segmentation.js';

/**
 * Categories that a file may have at most. The largest vocabulary of boxes (V3Det) has 13,204; curves of scores take
 * 200 kB for each category, so the memory of an evaluation is bounded by this.
 */
export const MAX_CATEGORIES = 20_000;

export interface CocoCategory {
  /** As in the file; ids may have gaps. */
  readonly id: number;
  readonly name: string;
  readonly supercategory?: string;
}

/** The pictures of a file, in its order; entry i of every array belongs to picture i. */
export interface CocoImages {
  readonly size: number;
  readonly ids: Float64Array;
  /** In pixels; 0 where the file does not say. */
  readonly widths: Int32Array;
  readonly heights: Int32Array;
  /** Relative to the folder of pictures. */
  readonly fileNames: readonly string[];
  /** Picture index by id. */
  readonly indexOf: ReadonlyMap<number, number>;
  /** What the file calls a picture by, by its id here; only where that is no number. */
  readonly texts?: ReadonlyMap<number, string>;
}

/** A COCO instances file in a few typed arrays: 900,000 annotations take about 400 MB, most of it coordinates. */
export interface CocoAnnotations {
  /** The file it came from, for messages. */
  readonly file: string;
  readonly images: CocoImages;
  /** By ascending id; the position in this list is the contiguous class index used everywhere else. */
  readonly categories: readonly CocoCategory[];
  /** Category index by id. */
  readonly categoryIndexOf: ReadonlyMap<number, number>;
  /** Ids by what the file calls categories, where that is no number. */
  readonly categoryIdOfText?: ReadonlyMap<string, number>;
  /** Number of annotations; entry i of the arrays below belongs to annotation i, in the file's order. */
  readonly size: number;
  readonly ids: Float64Array;
  /** −1 where the file has no such picture. */
  readonly imageIndexes: Int32Array;
  /** −1 where the file has no such category. */
  readonly categoryIndexes: Int32Array;
  /** `[A, 4]`: `[x, y, width, height]` in absolute pixels. */
  readonly boxes: Float64Array;
  /** In pixels, as the file has it. */
  readonly areas: Float64Array;
  /** 1 for a crowd: a region of many objects. */
  readonly crowds: Uint8Array;
  readonly segmentations: SegmentationPool;
  /** Annotations of known pictures and categories, grouped by picture; see `annotationsOfImage`. */
  readonly byImage: ImageGroups;
}

export interface ImageGroups {
  /** Picture i owns `members[ends[i − 1] … ends[i]]`. */
  readonly ends: Int32Array;
  readonly members: Int32Array;
}

/** Indexes of a picture's annotations, in the file's order. */
export function annotationsOfImage({ byImage }: CocoAnnotations, image: number): Int32Array {
  return byImage.members.subarray(image === 0 ? 0 : byImage.ends[image - 1]!, byImage.ends[image]);
}

/** Whether box `i` of these, `[x, y, width, height]` each, has an area. */
export function hasWidthAndHeight(boxes: ArrayLike<number>, i: number): boolean {
  return boxes[4 * i + 2]! > 0 && boxes[4 * i + 3]! > 0;
}

/** The annotations with these categories alone, which all objects have that had a category before. */
export function withCategories(annotations: CocoAnnotations, categories: readonly CocoCategory[]): CocoAnnotations {
  const categoryIndexOf = new Map(categories.map(({ id }, index) => [id, index]));
  const { categories: before, categoryIndexes } = annotations;
  return {
    ...annotations,
    categories,
    categoryIndexOf,
    categoryIndexes: categoryIndexes.map((index) => (index < 0 ? -1 : categoryIndexOf.get(before[index]!.id)!)),
  };
}

/** Groups entries by picture, keeping their order; entries for which `keep` is false belong to none. */
export function groupByImage(
  imageIndexes: Int32Array,
  numImages: number,
  keep: (entry: number) => boolean,
): ImageGroups {
  const ends = new Int32Array(numImages);
  let total = 0;
  for (let entry = 0; entry < imageIndexes.length; entry++) {
    if (!keep(entry)) continue;
    ends[imageIndexes[entry]!]!++;
    total++;
  }
  let start = 0;
  for (let image = 0; image < numImages; image++) {
    const count = ends[image]!;
    ends[image] = start;
    start += count;
  }
  const members = new Int32Array(total);
  for (let entry = 0; entry < imageIndexes.length; entry++) {
    if (!keep(entry)) continue;
    members[ends[imageIndexes[entry]!]!++] = entry;
  }
  return { ends, members };
}

/**
 * An annotation's mask as runs; its polygons are rasterised as COCO does.
 *
 * @throws MaeError `ANNOTATION_INVALID` naming the annotation, where its picture's size is unknown.
 */
export function annotationRle(annotations: CocoAnnotations, index: number): Rle {
  const { height, width } = sizeOfImage(annotations, index);
  return rleAt(annotations.segmentations, index, height, width);
}

/** An annotation's mask: row-major `[H, W]`, 0 and 1 (pycocotools' `annToMask`). @throws as `annotationRle` */
export function annotationMask(annotations: CocoAnnotations, index: number): Uint8Array {
  return decodeRle(annotationRle(annotations, index));
}

/** An annotation's polygon parts, views of `x, y` pairs in absolute pixels. */
export function annotationPolygons(annotations: CocoAnnotations, index: number): Float64Array[] {
  return polygonsAt(annotations.segmentations, index);
}

function sizeOfImage(annotations: CocoAnnotations, index: number): { height: number; width: number } {
  const { images, segmentations } = annotations;
  const image = annotations.imageIndexes[index]!;
  const height = images.heights[image] ?? 0;
  const width = images.widths[image] ?? 0;
  const ownHeight = segmentations.runSizes[2 * index]!;
  if (height > 0 && width > 0) return { height, width };
  if (ownHeight > 0) return { height: ownHeight, width: segmentations.runSizes[2 * index + 1]! };
  throw new MaeError('ANNOTATION_INVALID', {
    what: `Annotation ${annotations.ids[index]!} has an outline, but its picture has no width and height`,
    where: annotations.file,
    fix: 'add width and height to the entry of the picture',
  });
}
