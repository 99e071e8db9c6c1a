import type { DataMeasures, Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { openImage } from '../images/image.js';
import { isInstances } from '../targets/instance-target.js';
import { classesOfValues } from '../targets/label-values.js';
import { type LabelMap, readLabelMap } from '../targets/label-map.js';
import type { SemanticAnnotation } from '../targets/semantic-target.js';

/** Pictures whose headers are read for their size, index maps whose regions are measured, objects that are looked at. */
const LOOKED_AT = 24;
const MOST_OBJECTS = 20_000;
/** What stands for pixels that do not count: the borders between regions are no objects. */
const IGNORED = 255;
/** Share of the objects that are smaller than the side that stands for all of them. */
const SMALL_SHARE = 0.25;

/**
 * What recipes are fitted to: how many pictures there are and how large, and how small the objects on them. Reads
 * annotations, the headers of some pictures and some index maps; files that cannot be used are left out here, because
 * training reports them.
 */
export async function measureData(data: Dataset): Promise<DataMeasures> {
  const pictures = spread(data.size, LOOKED_AT);
  const sizes = await Promise.all(pictures.map((index) => sizeOfPicture(data, index)));
  const known = sizes.filter((size) => size !== undefined);
  return {
    pictures: data.size,
    width: quantile(
      known.map(({ width }) => width),
      0.5,
    ),
    height: quantile(
      known.map(({ height }) => height),
      0.5,
    ),
    objectSide: quantile(sidesOf(data), SMALL_SHARE),
  };
}

async function sizeOfPicture(data: Dataset, index: number) {
  const { target, image } = data.item(index);
  const annotated = instancesIn(target);
  if (annotated !== undefined && annotated.width > 0) return annotated;
  try {
    return await openImage(image);
  } catch (error) {
    return ignoreUnusable(error);
  }
}

/** Sides of objects' boxes in pixels, or of the regions of index maps. */
function sidesOf(data: Dataset): number[] {
  const sides: number[] = [];
  for (let index = 0; index < data.size && sides.length < MOST_OBJECTS; index++) {
    const instances = instancesIn(data.item(index).target);
    // All items of a data set have targets of one kind.
    if (instances === undefined) return sidesOfRegions(data);
    const { boxes, crowds } = instances;
    for (let i = 0; i < crowds.length; i++) {
      const area = (boxes[4 * i + 2]! - boxes[4 * i]!) * (boxes[4 * i + 3]! - boxes[4 * i + 1]!);
      if (crowds[i] === 0 && area > 0) sides.push(Math.sqrt(area));
    }
  }
  return sides;
}

function sidesOfRegions(data: Dataset): number[] {
  const maps = spread(data.size, LOOKED_AT).flatMap((index) => {
    const map = mapOf(data.item(index).target);
    return map === undefined ? [] : [map];
  });
  const counts = new Map<number, number>();
  for (const { labels } of maps) for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  counts.delete(IGNORED);
  // What covers most is what objects lie on.
  const [ground] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
  return maps.flatMap((map) => runsOf(map, ground));
}

/** Lengths of the rows' stretches of one label each, but for those of the ground and of pixels that do not count. */
function runsOf({ labels, width, height }: LabelMap, ground: number | undefined): number[] {
  const runs: number[] = [];
  for (let y = 0; y < height; y++) {
    let start = 0;
    for (let x = 1; x <= width; x++) {
      const label = labels[y * width + start];
      if (x < width && labels[y * width + x] === label) continue;
      if (label !== ground && label !== IGNORED) runs.push(x - start);
      start = x;
    }
  }
  return runs;
}

function mapOf(target: unknown): LabelMap | undefined {
  if (typeof target !== 'object' || target === null) return undefined;
  if ('labels' in target) return target as LabelMap;
  if (!('path' in target)) return undefined;
  try {
    const annotation = target as SemanticAnnotation;
    const map = readLabelMap(annotation.path);
    return { ...map, labels: classesOfValues(map.labels, annotation, IGNORED, annotation.path) };
  } catch (error) {
    return ignoreUnusable(error);
  }
}

function instancesIn(target: unknown) {
  if (isInstances(target)) return target;
  const inner = typeof target === 'object' && target !== null && 'instances' in target ? target.instances : undefined;
  return isInstances(inner) ? inner : undefined;
}

function ignoreUnusable(error: unknown): undefined {
  if (error instanceof MaeError) return undefined;
  throw error;
}

/** At most `most` indices, evenly spread. */
function spread(size: number, most: number): number[] {
  const count = Math.min(size, most);
  return Array.from({ length: count }, (_, place) => Math.floor((place * size) / count));
}

function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
