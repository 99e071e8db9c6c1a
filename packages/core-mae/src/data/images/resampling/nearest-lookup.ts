import type { Geometry, Size } from '../../../contracts/transform.js';
import { outputSize } from './geometry.js';

/** Which column and row of the source each column and row of the result shows; −1 outside. */
export interface NearestLookup extends Size {
  readonly columns: Int32Array;
  readonly rows: Int32Array;
}

/** The geometry for pictures of classes and masks, which must not be blended: each pixel takes its centre's value. */
export function nearestLookup(geometry: Geometry, before: Size): NearestLookup {
  const { box, canvas, flip } = geometry;
  const size = outputSize(geometry);
  return {
    ...size,
    columns: axis(size.width, geometry.width, canvas?.left ?? 0, box[0], box[2], before.width, flip === true),
    rows: axis(size.height, geometry.height, canvas?.top ?? 0, box[1], box[3], before.height, false),
  };
}

function axis(
  length: number,
  scaledLength: number,
  offset: number,
  start: number,
  end: number,
  sourceLength: number,
  reversed: boolean,
): Int32Array {
  const lookup = new Int32Array(length).fill(-1);
  const step = (end - start) / scaledLength;
  for (let at = 0; at < length; at++) {
    const scaled = at - offset;
    if (scaled < 0 || scaled >= scaledLength) continue;
    const from = Math.floor(start + ((reversed ? scaledLength - 1 - scaled : scaled) + 0.5) * step);
    lookup[at] = Math.min(sourceLength - 1, Math.max(0, from));
  }
  return lookup;
}
