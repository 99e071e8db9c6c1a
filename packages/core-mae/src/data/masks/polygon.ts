import { MaeError } from '../../base/errors.js';
import { emptyRle, mergeRles, requireMaskSize, type Rle } from './rle.js';

/**
 * COCO's rasterisation of polygons (cocoapi, common/maskApi.c, `rleFrPoly`), point for point: vertices are rounded to
 * fifths of a pixel, edges walked densely, and the column of pixel centres at (u + 0.5) / 5 − 0.5 changes colour where
 * an edge passes it. Only the steps that meet a pixel column matter, so those alone are computed, from each edge's
 * equation: the work grows with the columns that the edges cross, not with their length.
 */
const UPSAMPLING = 5;

/** Larger coordinates would overflow the reference's 32-bit integers. */
const MAX_COORDINATE = 4e8;

/** More crossings than this come from no drawn outline; the limit bounds the memory that a hostile file can ask for. */
const MAX_CROSSINGS = 1 << 25;

// Scratch space, reused because a file holds a million polygons; nothing outlives a call.
let crossingColumns = new Int32Array(4096);
let crossingRows = new Int32Array(4096);
let sortedRows = new Int32Array(4096);
let columnEnds = new Int32Array(4096);
let runs = new Uint32Array(4096);

/**
 * The mask of one polygon.
 *
 * @param xy `x, y` pairs in absolute pixels; fewer than three points give an empty mask or a sliver
 * @throws MaeError `ANNOTATION_INVALID` for an odd count or a coordinate that is not a finite number.
 */
export function polygonToRle(xy: ArrayLike<number>, height: number, width: number): Rle {
  requireMaskSize(height, width);
  if (xy.length % 2 !== 0) throw invalidPolygon(`has ${xy.length} numbers`, 'x and y come in pairs');
  for (let i = 0; i < xy.length; i++) {
    // Written so that NaN fails too.
    if (!(Math.abs(xy[i]!) <= MAX_COORDINATE)) {
      throw invalidPolygon(`has a coordinate of ${xy[i]!}`, 'coordinates are finite numbers of pixels');
    }
  }
  const numPoints = xy.length / 2;
  if (numPoints === 0 || height === 0 || width === 0) return emptyRle(height, width);

  if (columnEnds.length <= width) columnEnds = new Int32Array(width * 2);
  columnEnds.fill(0, 0, width + 1);
  let numCrossings = 0;
  let x0 = upsampled(xy[xy.length - 2]!);
  let y0 = upsampled(xy[xy.length - 1]!);
  for (let point = 0; point < numPoints; point++) {
    const x1 = upsampled(xy[2 * point]!);
    const y1 = upsampled(xy[2 * point + 1]!);
    if (x0 !== x1) numCrossings = crossColumns(x0, y0, x1, y1, height, width, numCrossings);
    x0 = x1;
    y0 = y1;
  }
  sortCrossings(numCrossings, width);
  return { height, width, counts: runsBetweenCrossings(numCrossings, height, width) };
}

/** The union of a polygon's parts; without parts, an empty mask. @throws MaeError `ANNOTATION_INVALID` */
export function polygonsToRle(parts: ReadonlyArray<ArrayLike<number>>, height: number, width: number): Rle {
  if (parts.length === 0) return emptyRle(height, width);
  return mergeRles(
    parts.map((part) => polygonToRle(part, height, width)),
    'union',
  );
}

/** The mask of a box. @param box `[x, y, width, height]` in absolute pixels */
export function boxToRle(box: readonly [number, number, number, number], height: number, width: number): Rle {
  const [x0, y0] = box;
  const x1 = x0 + box[2];
  const y1 = y0 + box[3];
  return polygonToRle([x0, y0, x0, y1, x1, y1, x1, y0], height, width);
}

/** In fifths of a pixel, cut towards 0; the largest coordinate still fits in 32 bits, so `| 0` cuts exactly. */
function upsampled(coordinate: number): number {
  return (UPSAMPLING * coordinate + 0.5) | 0;
}

/** Records where an edge passes the columns of pixel centres; returns the new number of crossings. */
function crossColumns(
  fromX: number,
  fromY: number,
  toX: number,
  toY: number,
  height: number,
  width: number,
  numCrossings: number,
): number {
  const dx = Math.abs(toX - fromX);
  const dy = Math.abs(toY - fromY);
  const shallow = dx >= dy;
  // Edges are walked upwards along their longer axis, whichever way the outline runs.
  const reversed = shallow ? fromX > toX : fromY > toY;
  const xs = reversed ? toX : fromX;
  const xe = reversed ? fromX : toX;
  const ys = reversed ? toY : fromY;
  const ye = reversed ? fromY : toY;

  // Column c lies between the fifths 5c + 2 and 5c + 3; both must be on the edge.
  const first = Math.max(0, Math.ceil((Math.min(xs, xe) - 2) / UPSAMPLING));
  const last = Math.min(width - 1, Math.floor((Math.max(xs, xe) - 3) / UPSAMPLING));
  if (last < first) return numCrossings;
  reserveCrossings(numCrossings + last - first + 1);
  const columns = crossingColumns;
  const rows = crossingRows;
  const ends = columnEnds;
  let count = numCrossings;
  if (shallow) {
    const slope = (ye - ys) / dx;
    for (let column = first; column <= last; column++) {
      const step = UPSAMPLING * column + 2 - xs;
      const before = (ys + slope * step + 0.5) | 0;
      const after = (ys + slope * (step + 1) + 0.5) | 0;
      columns[count] = column;
      rows[count++] = rowBelow(before < after ? before : after, height);
      ends[column]!++;
    }
  } else {
    const slope = (xe - xs) / dy;
    for (let column = first; column <= last; column++) {
      const limit = UPSAMPLING * column + 3;
      // The first step on the far side of the column; the quotient may be off by rounding, so it is checked.
      let step = Math.max(1, ((limit - 0.5 - xs) / slope) | 0);
      if (slope > 0) {
        while (step > 1 && ((xs + slope * (step - 1) + 0.5) | 0) >= limit) step--;
        while (step < dy && ((xs + slope * step + 0.5) | 0) < limit) step++;
      } else {
        while (step > 1 && ((xs + slope * (step - 1) + 0.5) | 0) < limit) step--;
        while (step < dy && ((xs + slope * step + 0.5) | 0) >= limit) step++;
      }
      columns[count] = column;
      rows[count++] = rowBelow(ys + step - 1, height);
      ends[column]!++;
    }
  }
  return count;
}

/** The first pixel centre at or below v fifths of a pixel, `ceil((v + 0.5) / 5 − 0.5)`, within 0 … height. */
function rowBelow(v: number, height: number): number {
  if (v <= 0) return 0;
  const row = ((v + 2) / UPSAMPLING) | 0;
  return row > height ? height : row;
}

/** Orders the crossings by column, then row, into `sortedRows`; afterwards `columnEnds` holds each column's end. */
function sortCrossings(numCrossings: number, width: number): void {
  if (sortedRows.length < crossingRows.length) sortedRows = new Int32Array(crossingRows.length);
  const columns = crossingColumns;
  const rows = crossingRows;
  const sorted = sortedRows;
  const ends = columnEnds;
  let total = 0;
  for (let column = 0; column < width; column++) {
    const count = ends[column]!;
    ends[column] = total;
    total += count;
  }
  for (let i = 0; i < numCrossings; i++) sorted[ends[columns[i]!]!++] = rows[i]!;
  let start = 0;
  for (let column = 0; column < width && start < numCrossings; column++) {
    const end = ends[column]!;
    if (end - start > 32) sorted.subarray(start, end).sort();
    else insertionSort(sorted, start, end);
    start = end;
  }
}

function insertionSort(rows: Int32Array, start: number, end: number): void {
  for (let i = start + 1; i < end; i++) {
    const row = rows[i]!;
    let j = i - 1;
    for (; j >= start && rows[j]! > row; j--) rows[j + 1] = rows[j]!;
    rows[j + 1] = row;
  }
}

/** Run lengths from the sorted crossings; two crossings at one pixel cancel out. */
function runsBetweenCrossings(numCrossings: number, height: number, width: number): Uint32Array {
  if (runs.length < numCrossings + 1) runs = new Uint32Array(crossingRows.length + 1);
  const rows = sortedRows;
  const ends = columnEnds;
  const lengths = runs;
  let length = 0;
  let previous = 0;
  let joinsNext = false;
  let column = 0;
  for (let i = 0; i <= numCrossings; i++) {
    while (i < numCrossings && ends[column]! <= i) column++;
    const position = i < numCrossings ? column * height + rows[i]! : height * width;
    const run = position - previous;
    previous = position;
    if (joinsNext) {
      lengths[length - 1]! += run;
      joinsNext = false;
    } else if (run > 0 || length === 0) {
      lengths[length++] = run;
    } else {
      joinsNext = true;
    }
  }
  return lengths.slice(0, length);
}

function reserveCrossings(size: number): void {
  if (size <= crossingColumns.length) return;
  if (size > MAX_CROSSINGS) {
    throw invalidPolygon(`crosses more than ${MAX_CROSSINGS} pixel columns`, 'simplify the outline');
  }
  const capacity = Math.max(size, crossingColumns.length * 2);
  const columns = new Int32Array(capacity);
  columns.set(crossingColumns);
  crossingColumns = columns;
  const rows = new Int32Array(capacity);
  rows.set(crossingRows);
  crossingRows = rows;
}

function invalidPolygon(problem: string, fix: string): MaeError {
  return new MaeError('ANNOTATION_INVALID', { what: `The polygon ${problem}`, fix });
}

/** `[x, y, width, height]` around all points. */
export function extentOfPolygons(parts: readonly Float64Array[]): [number, number, number, number] {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) {
      left = Math.min(left, part[i]!);
      right = Math.max(right, part[i]!);
      top = Math.min(top, part[i + 1]!);
      bottom = Math.max(bottom, part[i + 1]!);
    }
  }
  return [left, top, right - left, bottom - top];
}
