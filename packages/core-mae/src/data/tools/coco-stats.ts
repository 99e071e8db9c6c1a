import { annotationsOfImage, type CocoAnnotations } from '../coco/annotations.js';
import { NO_SEGMENTATION, POLYGONS, RUNS } from '../masks/segmentation.js';

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly mean: number;
  readonly max: number;
}

export interface CategoryCount {
  readonly id: number;
  readonly name: string;
  readonly instances: number;
  /** Pictures with at least one. */
  readonly images: number;
}

export interface CocoStats {
  readonly file: string;
  readonly images: number;
  readonly imagesWithoutAnnotations: number;
  readonly annotations: number;
  readonly crowds: number;
  readonly byKind: { readonly polygons: number; readonly runs: number; readonly boxesOnly: number };
  /** By COCO's limits of 32² and 96² pixels of area. */
  readonly bySize: { readonly small: number; readonly medium: number; readonly large: number };
  /** Undefined where the file has no pictures. */
  readonly objectsPerImage: Spread | undefined;
  readonly width: Spread | undefined;
  readonly height: Spread | undefined;
  readonly categories: readonly CategoryCount[];
}

/** Counts of a data set; annotations of unknown pictures or categories are left out. */
export function cocoStats(annotations: CocoAnnotations): CocoStats {
  const { images, categories, segmentations } = annotations;
  const instances = new Int32Array(categories.length);
  const imagesWith = new Int32Array(categories.length);
  const lastSeen = new Int32Array(categories.length).fill(-1);
  const perImage = new Float64Array(images.size);
  const kinds = [0, 0, 0];
  const sizes = { small: 0, medium: 0, large: 0 };
  let crowds = 0;
  for (let image = 0; image < images.size; image++) {
    const members = annotationsOfImage(annotations, image);
    perImage[image] = members.length;
    for (const entry of members) {
      const category = annotations.categoryIndexes[entry]!;
      instances[category]!++;
      if (lastSeen[category] !== image) imagesWith[category]!++;
      lastSeen[category] = image;
      kinds[segmentations.kinds[entry]!]!++;
      crowds += annotations.crowds[entry]!;
      const area = annotations.areas[entry]!;
      sizes[area < 32 ** 2 ? 'small' : area < 96 ** 2 ? 'medium' : 'large']++;
    }
  }
  return {
    file: annotations.file,
    images: images.size,
    imagesWithoutAnnotations: perImage.filter((count) => count === 0).length,
    annotations: annotations.byImage.members.length,
    crowds,
    byKind: { polygons: kinds[POLYGONS]!, runs: kinds[RUNS]!, boxesOnly: kinds[NO_SEGMENTATION]! },
    bySize: sizes,
    objectsPerImage: spreadOf(perImage),
    width: spreadOf(images.widths.filter((width) => width > 0)),
    height: spreadOf(images.heights.filter((height) => height > 0)),
    categories: categories.map(({ id, name }, k) => ({
      id,
      name,
      instances: instances[k]!,
      images: imagesWith[k]!,
    })),
  };
}

function spreadOf(values: Float64Array | Int32Array): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return {
    min: sorted[0]!,
    median: sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2,
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    max: sorted.at(-1)!,
  };
}
