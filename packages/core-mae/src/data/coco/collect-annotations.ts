import type { InstanceAnnotations } from '../targets/instance-target.js';
import { type CocoAnnotations, type CocoCategory, groupByImage } from './annotations.js';
import { rleArea } from '../masks/rle.js';
import { NO_SEGMENTATION, rleAt, SegmentationBuilder } from '../masks/segmentation.js';

/** A picture with its objects. */
export interface AnnotatedPicture {
  readonly width: number;
  readonly height: number;
  readonly instances: InstanceAnnotations;
}

/**
 * Annotations to score against from pictures one by one, as a loader gives them, in the order of their image ids.
 *
 * @param categories by class index, ids ascending
 */
export function collectAnnotations(
  pictures: readonly AnnotatedPicture[],
  categories: readonly CocoCategory[],
  file: string,
): CocoAnnotations {
  const ordered = [...pictures].sort((a, b) => a.instances.imageId - b.instances.imageId);
  const entries = ordered.flatMap(({ instances }, image) =>
    Array.from(instances.ids, (_, index) => ({ instances, image, index })),
  );
  const boxes = Float64Array.from(
    entries.flatMap(({ instances: { boxes: corners }, index }) => {
      const [x0, y0, x1, y1] = [0, 1, 2, 3].map((side) => corners[4 * index + side]!) as [
        number,
        number,
        number,
        number,
      ];
      return [x0, y0, x1 - x0, y1 - y0];
    }),
  );
  const builder = new SegmentationBuilder();
  for (const { instances, index } of entries) appendMask(builder, instances.masks[index]);
  const segmentations = builder.finish();
  const areas = Float64Array.from(entries, ({ instances, image, index }, entry) => {
    if (instances.areas !== undefined) return instances.areas[index]!;
    if (segmentations.kinds[entry] === NO_SEGMENTATION) return boxes[4 * entry + 2]! * boxes[4 * entry + 3]!;
    const { width, height } = ordered[image]!;
    return rleArea(rleAt(segmentations, entry, height, width));
  });
  const imageIndexes = Int32Array.from(entries, ({ image }) => image);
  const ids = Float64Array.from(ordered, ({ instances }) => instances.imageId);
  return {
    file,
    images: {
      size: ordered.length,
      ids,
      widths: Int32Array.from(ordered, ({ width }) => width),
      heights: Int32Array.from(ordered, ({ height }) => height),
      fileNames: Array.from(ids, String),
      indexOf: new Map(Array.from(ids, (id, index) => [id, index])),
    },
    categories,
    categoryIndexOf: new Map(categories.map(({ id }, index) => [id, index])),
    size: entries.length,
    ids: Float64Array.from(entries, ({ instances, index }) => instances.ids[index]!),
    imageIndexes,
    categoryIndexes: Int32Array.from(entries, ({ instances, index }) => instances.classes[index]!),
    boxes,
    areas,
    crowds: Uint8Array.from(entries, ({ instances, index }) => instances.crowds[index]!),
    segmentations,
    byImage: groupByImage(imageIndexes, ordered.length, () => true),
  };
}

function appendMask(builder: SegmentationBuilder, mask: InstanceAnnotations['masks'][number]): void {
  if (mask?.kind === 'runs') {
    builder.runBytes.append(mask.bytes);
    builder.setRunSize(mask.height, mask.width);
  } else if (mask?.kind === 'polygons') {
    for (const part of mask.parts) {
      for (const coordinate of part) builder.coordinates.push(coordinate);
      builder.endPart();
    }
  }
  builder.endEntry();
}
