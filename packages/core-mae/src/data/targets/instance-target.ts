import { MaeError } from '../../base/errors.js';
import type { Size } from '../../contracts/transform.js';
import { decodeRle, type Rle, rleFromCounts, rleToBox } from '../masks/rle.js';
import { rleFromBytes } from '../masks/rle-string.js';
import { polygonsToRle } from '../masks/polygon.js';

/** A mask as annotation files have it; plain data that crosses to worker threads. */
export type EncodedMask =
  | { readonly kind: 'polygons'; readonly parts: readonly Float64Array[] }
  | { readonly kind: 'runs'; readonly bytes: Uint8Array; readonly height: number; readonly width: number };

/** A picture's objects as annotated; n objects. What an item of a detection data set carries. */
export interface InstanceAnnotations {
  readonly imageId: number;
  /** The picture's size in pixels as the file has it; 0 where it does not say. */
  readonly width: number;
  readonly height: number;
  /** Whether width and height may be each other's: the boxes are for the picture as it is shown. Default false. */
  readonly sizeMayBeSwapped?: boolean;
  /** `[n]`: ids of the annotations. */
  readonly ids: Float64Array;
  /** `[n, 4]`: `[x0, y0, x1, y1]` in absolute pixels. */
  readonly boxes: Float64Array;
  /** `[n]`: contiguous class indexes. */
  readonly classes: Int32Array;
  /** `[n]`: 1 for a region of many objects. */
  readonly crowds: Uint8Array;
  /** `[n]`, in pixels, as the file has them; scores by size go by them. Default: those of the masks, or of the boxes. */
  readonly areas?: Float64Array;
  /** `[n]`; undefined for an object that has a box alone. */
  readonly masks: ReadonlyArray<EncodedMask | undefined>;
}

/** A mask cut to a frame within its picture: its own tight box in targets, about the predicted box in predictions. */
export interface MaskRegion {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Row-major `[height, width]`, 0 and 1. */
  readonly data: Uint8Array;
}

/** A picture's objects as they follow its pixels through transforms; n objects. */
export interface Instances {
  readonly imageId: number;
  readonly ids: Float64Array;
  /** `[n, 4]`: `[x0, y0, x1, y1]` in pixels of the present picture, around the mask where there is one. */
  readonly boxes: Float32Array;
  readonly classes: Int32Array;
  readonly crowds: Uint8Array;
  readonly masks: ReadonlyArray<MaskRegion | undefined>;
}

/**
 * The objects with their masks drawn; empty ones and those whose annotated box has no area left out.
 *
 * @throws MaeError `IMAGE_INVALID` where the picture is not of the annotated size.
 */
export function loadInstances(
  annotations: InstanceAnnotations,
  { width, height, id }: Size & { readonly id: string },
): Instances {
  checkAnnotatedSize(annotations, { width, height, id });
  const regions = annotations.masks.map((mask) =>
    mask === undefined ? undefined : regionOfRle(decodeMask(mask, height, width)),
  );
  const boxes = new Float32Array(4 * regions.length);
  regions.forEach((region, i) => {
    boxes.set(region === undefined ? clippedBox(annotations.boxes, i, width, height) : boxOfRegion(region), 4 * i);
  });
  annotations.ids.forEach((_, i) => {
    if (!hasArea(annotations.boxes, i)) boxes.fill(0, 4 * i, 4 * i + 4);
  });
  const { imageId, ids, classes, crowds } = annotations;
  return withoutEmpty({ imageId, ids, boxes, classes, crowds, masks: regions });
}

/** Whether box `i` of these, `[x0, y0, x1, y1]` each, has an area; one without is there to be scored, not to be learned from. */
export function hasArea(boxes: ArrayLike<number>, i: number): boolean {
  return boxes[4 * i + 2]! > boxes[4 * i]! && boxes[4 * i + 3]! > boxes[4 * i + 1]!;
}

/** @throws MaeError `IMAGE_INVALID` where the picture is not of the annotated size */
export function checkAnnotatedSize(
  annotations: InstanceAnnotations,
  { width, height, id }: Size & { readonly id: string },
): void {
  if (annotations.width === 0 || (annotations.width === width && annotations.height === height)) return;
  const isTurned = annotations.width === height && annotations.height === width;
  if (isTurned && annotations.sizeMayBeSwapped === true) return;
  throw new MaeError('IMAGE_INVALID', {
    what: `the picture is ${width} × ${height}, its annotations are for ${annotations.width} × ${annotations.height}`,
    where: id,
    fix: isTurned
      ? 'the file swaps width and height, or it was annotated without the EXIF orientation: set `data.orient`=false then'
      : 'annotate the picture as it is',
  });
}

/** Whether a target is what data sets of objects give. */
export function isInstances(target: unknown): target is InstanceAnnotations {
  return typeof target === 'object' && target !== null && 'boxes' in target && 'crowds' in target && 'ids' in target;
}

/** The mask as runs; runs bring their own size. */
export function decodeMask(mask: EncodedMask, height: number, width: number): Rle {
  return mask.kind === 'polygons'
    ? polygonsToRle(mask.parts, height, width)
    : rleFromBytes(mask.bytes, 0, mask.bytes.length, mask.height, mask.width);
}

function clippedBox(boxes: Float64Array, i: number, width: number, height: number): [number, number, number, number] {
  const within = (value: number, limit: number): number => Math.min(limit, Math.max(0, value));
  return [
    within(boxes[4 * i]!, width),
    within(boxes[4 * i + 1]!, height),
    within(boxes[4 * i + 2]!, width),
    within(boxes[4 * i + 3]!, height),
  ];
}

/** The mask cut to its tight box; of size 0 where it is empty. */
export function regionOfRle(rle: Rle): MaskRegion {
  const [left, top, width, height] = rleToBox(rle);
  const whole = decodeRle(rle);
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (top + y) * rle.width + left;
    data.set(whole.subarray(from, from + width), y * width);
  }
  return { left, top, width, height, data };
}

/** The runs of a region on an otherwise empty picture, without drawing the picture. */
export function rleOfRegion({ left, top, width, height, data }: MaskRegion, picture: Size): Rle {
  const counts: number[] = [];
  let end = 0;
  let runEnd = -1;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if (data[y * width + x] === 0) continue;
      const at = (left + x) * picture.height + top + y;
      if (at === runEnd) counts[counts.length - 1]!++;
      else counts.push(at - end, 1);
      runEnd = at + 1;
      end = runEnd;
    }
  }
  const rest = picture.width * picture.height - end;
  if (rest > 0 || counts.length === 0) counts.push(rest);
  return rleFromCounts(counts, picture.height, picture.width);
}

export function boxOfRegion({ left, top, width, height }: MaskRegion): [number, number, number, number] {
  return [left, top, left + width, top + height];
}

/** The instances whose box has an area. */
export function withoutEmpty(instances: Instances): Instances {
  const { boxes } = instances;
  const kept: number[] = [];
  for (let i = 0; i < instances.classes.length; i++) {
    if (hasArea(boxes, i)) kept.push(i);
  }
  return kept.length === instances.classes.length ? instances : selectInstances(instances, kept);
}

/** The instances at these positions, in this order. */
export function selectInstances(instances: Instances, positions: readonly number[]): Instances {
  return {
    imageId: instances.imageId,
    ids: Float64Array.from(positions, (i) => instances.ids[i]!),
    boxes: Float32Array.from(positions.flatMap((i) => [...instances.boxes.subarray(4 * i, 4 * i + 4)])),
    classes: Int32Array.from(positions, (i) => instances.classes[i]!),
    crowds: Uint8Array.from(positions, (i) => instances.crowds[i]!),
    masks: positions.map((i) => instances.masks[i]),
  };
}

/** The instances of several pictures as one's, which is the first. */
export function joinInstances(parts: readonly Instances[]): Instances {
  const numbers = (name: 'ids' | 'boxes' | 'classes' | 'crowds'): number[] => parts.flatMap((part) => [...part[name]]);
  return {
    imageId: parts[0]!.imageId,
    ids: Float64Array.from(numbers('ids')),
    boxes: Float32Array.from(numbers('boxes')),
    classes: Int32Array.from(numbers('classes')),
    crowds: Uint8Array.from(numbers('crowds')),
    masks: parts.flatMap(({ masks }) => masks),
  };
}
