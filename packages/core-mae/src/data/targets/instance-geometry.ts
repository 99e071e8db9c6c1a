import type { Geometry, Size, TargetHandler } from '../../contracts/transform.js';
import { mapX, mapY, outputSize } from '../images/resampling/geometry.js';
import { type NearestLookup, nearestLookup } from '../images/resampling/nearest-lookup.js';
import {
  boxOfRegion,
  type InstanceAnnotations,
  type Instances,
  joinInstances,
  loadInstances,
  type MaskRegion,
  selectInstances,
  withoutEmpty,
} from './instance-target.js';

export interface InstanceHandlerOptions {
  /** Share of an object's box that must be left in the picture, else the object is left out. Default 0. */
  readonly minVisible?: number;
}

/**
 * How objects follow their picture: masks by the nearest pixel, boxes from the transformed masks, and from the
 * transformed corners where an object has no mask. Objects that leave the picture are left out.
 */
export function instanceHandler({ minVisible = 0 }: InstanceHandlerOptions = {}): TargetHandler<
  InstanceAnnotations,
  Instances
> {
  return {
    load: loadInstances,
    apply: (instances, geometry, before) =>
      transformInstances(
        minVisible === 0 ? instances : visibleInstances(instances, geometry, minVisible),
        geometry,
        before,
      ),
    join: joinInstances,
  };
}

/** The objects of whose box at least a share is left. */
function visibleInstances(instances: Instances, geometry: Geometry, share: number): Instances {
  const { boxes, classes } = instances;
  const { box, width, height } = geometry;
  const scale = (width / (box[2] - box[0])) * (height / (box[3] - box[1]));
  const kept = [...classes.keys()].filter((i) => {
    const [x0, y0, x1, y1] = transformBox(boxes, i, geometry);
    const whole = (boxes[4 * i + 2]! - boxes[4 * i]!) * (boxes[4 * i + 3]! - boxes[4 * i + 1]!) * scale;
    return Math.max(0, x1 - x0) * Math.max(0, y1 - y0) >= share * whole;
  });
  return kept.length === classes.length ? instances : selectInstances(instances, kept);
}

/** The objects after the geometry. */
export function transformInstances(instances: Instances, geometry: Geometry, before: Size): Instances {
  const lookup = nearestLookup(geometry, before);
  const masks = instances.masks.map((mask) => (mask === undefined ? undefined : transformMask(mask, geometry, lookup)));
  const boxes = new Float32Array(instances.boxes.length);
  masks.forEach((mask, i) => {
    const box = mask === undefined ? transformBox(instances.boxes, i, geometry) : boxOfRegion(mask);
    boxes.set(box, 4 * i);
  });
  return withoutEmpty({ ...instances, boxes, masks });
}

/** The corners of a box moved, ordered and clipped to the result: `[x0, y0, x1, y1]`. */
function transformBox(boxes: Float32Array, i: number, geometry: Geometry): [number, number, number, number] {
  const { width, height } = outputSize(geometry);
  const left = mapX(geometry, boxes[4 * i]!);
  const right = mapX(geometry, boxes[4 * i + 2]!);
  // What lies outside the box that was cut out is gone, even where a canvas would have room for it.
  const [firstX, lastX] = [geometry.canvas?.left ?? 0, (geometry.canvas?.left ?? 0) + geometry.width];
  const [firstY, lastY] = [geometry.canvas?.top ?? 0, (geometry.canvas?.top ?? 0) + geometry.height];
  const clip = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
  return [
    clip(Math.min(left, right), Math.max(0, firstX), Math.min(width, lastX)),
    clip(mapY(geometry, boxes[4 * i + 1]!), Math.max(0, firstY), Math.min(height, lastY)),
    clip(Math.max(left, right), Math.max(0, firstX), Math.min(width, lastX)),
    clip(mapY(geometry, boxes[4 * i + 3]!), Math.max(0, firstY), Math.min(height, lastY)),
  ];
}

/** The mask at its new place, cut to its tight box; of size 0 where nothing of it is left. */
function transformMask(
  mask: MaskRegion,
  geometry: Geometry,
  { columns, rows, width, height }: NearestLookup,
): MaskRegion {
  const corners = [mapX(geometry, mask.left), mapX(geometry, mask.left + mask.width)] as const;
  // One pixel more on every side: rounding may move an edge by less than that.
  const firstX = Math.max(0, Math.floor(Math.min(...corners)) - 1);
  const lastX = Math.min(width, Math.ceil(Math.max(...corners)) + 1);
  const firstY = Math.max(0, Math.floor(mapY(geometry, mask.top)) - 1);
  const lastY = Math.min(height, Math.ceil(mapY(geometry, mask.top + mask.height)) + 1);
  const roughWidth = Math.max(0, lastX - firstX);
  const roughHeight = Math.max(0, lastY - firstY);
  const rough = new Uint8Array(roughWidth * roughHeight);
  let [left, top, right, bottom] = [roughWidth, roughHeight, 0, 0];
  for (let y = 0; y < roughHeight; y++) {
    const row = rows[firstY + y]! - mask.top;
    if (rows[firstY + y]! < 0 || row < 0 || row >= mask.height) continue;
    for (let x = 0; x < roughWidth; x++) {
      const column = columns[firstX + x]! - mask.left;
      if (columns[firstX + x]! < 0 || column < 0 || column >= mask.width) continue;
      if (mask.data[row * mask.width + column] === 0) continue;
      rough[y * roughWidth + x] = 1;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      if (y >= bottom) bottom = y + 1;
    }
  }
  if (right === 0) return { left: 0, top: 0, width: 0, height: 0, data: new Uint8Array(0) };
  const data = new Uint8Array((right - left) * (bottom - top));
  for (let y = top; y < bottom; y++) {
    data.set(rough.subarray(y * roughWidth + left, y * roughWidth + right), (y - top) * (right - left));
  }
  return { left: firstX + left, top: firstY + top, width: right - left, height: bottom - top, data };
}
