import { describeValue } from '../../base/describe-value.js';
import { MaeError } from '../../base/errors.js';
import type { CocoAnnotations } from './annotations.js';
import { GrowingFloat64, GrowingInt32 } from '../masks/growing.js';
import { rleToBytes } from '../masks/rle-string.js';
import { type Rle, rleArea, rleToBox } from '../masks/rle.js';
import { NO_SEGMENTATION, rleAt, SegmentationBuilder, type SegmentationPool } from '../masks/segmentation.js';

/** Detections on the pictures of one annotation file; entry i of every array belongs to detection i. */
export interface Detections {
  readonly size: number;
  /** Positions in `annotations.images`. */
  readonly imageIndexes: Int32Array;
  /** Positions in `annotations.categories`; −1 for a category that the annotations do not have. */
  readonly categoryIndexes: Int32Array;
  readonly scores: Float64Array;
  /** `[D, 4]`: `[x, y, width, height]` in absolute pixels; the mask's where none was given. */
  readonly boxes: Float64Array;
  /**
   * In pixels. As pycocotools has it, the first detection decides for all: with a box, areas are width · height, even
   * when masks are scored; otherwise they are the masks'.
   */
  readonly areas: Float64Array;
  readonly segmentations: SegmentationPool;
}

/** One detection as a program makes it: a box, a mask or both. */
export interface Detection {
  readonly imageId: number;
  readonly categoryId: number;
  readonly score: number;
  /** `[x, y, width, height]` in absolute pixels. */
  readonly box?: readonly [number, number, number, number];
  readonly mask?: Rle;
}

/** Collects detections, one at a time, against the pictures and categories of `annotations`. */
export class DetectionBuilder {
  readonly segmentations = new SegmentationBuilder();
  private readonly annotations: CocoAnnotations;
  private readonly imageIndexes = new GrowingInt32();
  private readonly categoryIndexes = new GrowingInt32();
  private readonly scores = new GrowingFloat64();
  private readonly boxes = new GrowingFloat64();

  constructor(annotations: CocoAnnotations) {
    this.annotations = annotations;
  }

  get size(): number {
    return this.scores.length;
  }

  /** @throws MaeError `ANNOTATION_INVALID` for an unknown picture, a score that is no number, neither box nor mask. */
  add({ imageId, categoryId, score, box, mask }: Detection): void {
    if (mask !== undefined) {
      this.segmentations.runBytes.append(rleToBytes(mask));
      this.segmentations.setRunSize(mask.height, mask.width);
    }
    this.addWithSegmentation(imageId, categoryId, score, box, `Detection ${this.size}`);
  }

  /** Adds a detection whose mask, if any, has been written to `segmentations`. @param subject names it in errors */
  addWithSegmentation(
    imageId: number,
    categoryId: number,
    score: number,
    box: ArrayLike<number> | undefined,
    subject: string,
  ): void {
    const image = this.annotations.images.indexOf.get(imageId);
    if (image === undefined) {
      throw invalid(`${subject} is for image ${imageId}, which the annotations do not list`, this.annotations.file);
    }
    if (!Number.isFinite(score))
      throw invalid(`${subject} has a score that is no finite number (=${describeValue(score)})`);
    this.segmentations.endEntry();
    this.imageIndexes.push(image);
    this.categoryIndexes.push(this.annotations.categoryIndexOf.get(categoryId) ?? -1);
    this.scores.push(score);
    for (let side = 0; side < 4; side++) this.boxes.push(box === undefined ? Number.NaN : box[side]!);
    if (box !== undefined && !(Number.isFinite(box[0]!) && Number.isFinite(box[1]!) && box[2]! >= 0 && box[3]! >= 0)) {
      throw invalid(
        `${subject} has the box [${Array.from({ length: 4 }, (_, side) => describeValue(box[side])).join(', ')}]`,
      );
    }
  }

  /** @throws MaeError `ANNOTATION_INVALID` for a detection with neither box nor mask. */
  finish(): Detections {
    const boxes = this.boxes.finish();
    const segmentations = this.segmentations.finish();
    const imageIndexes = this.imageIndexes.finish();
    const size = imageIndexes.length;
    const areas = new Float64Array(size);
    const boxAreas = size > 0 && !Number.isNaN(boxes[0]!);
    const { heights, widths } = this.annotations.images;
    for (let i = 0; i < size; i++) {
      const hasBox = !Number.isNaN(boxes[4 * i]!);
      if (!hasBox || !boxAreas) {
        if (segmentations.kinds[i] === NO_SEGMENTATION) {
          if (!hasBox) throw invalid(`Detection ${i} has neither a box nor a mask`);
          areas[i] = boxes[4 * i + 2]! * boxes[4 * i + 3]!;
          continue;
        }
        const image = imageIndexes[i]!;
        const rle = rleAt(segmentations, i, heights[image]!, widths[image]!);
        areas[i] = rleArea(rle);
        if (!hasBox) boxes.set(rleToBox(rle), 4 * i);
      }
      if (boxAreas) areas[i] = boxes[4 * i + 2]! * boxes[4 * i + 3]!;
    }
    return {
      size,
      imageIndexes,
      categoryIndexes: this.categoryIndexes.finish(),
      scores: this.scores.finish(),
      boxes,
      areas,
      segmentations,
    };
  }
}

/** Detections from a list of them. @throws MaeError `ANNOTATION_INVALID` */
export function collectDetections(annotations: CocoAnnotations, list: Iterable<Detection>): Detections {
  const builder = new DetectionBuilder(annotations);
  for (const detection of list) builder.add(detection);
  return builder.finish();
}

function invalid(what: string, where?: string): MaeError {
  return new MaeError('ANNOTATION_INVALID', {
    what,
    where,
    fix: 'a detection has image_id, category_id, score, and bbox or segmentation',
  });
}
