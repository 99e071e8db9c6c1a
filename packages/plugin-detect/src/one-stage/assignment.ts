import type { AssignmentConfig } from './config.js';
import type { Points } from './points.js';

/** What a detector says of one picture's points, and what there is. */
export interface PointScene {
  /** `[P, K]`. */
  readonly logits: Float32Array;
  /** `[P, 4]`: `[x0, y0, x1, y1]` in pixels. */
  readonly boxes: Float32Array;
  readonly numClasses: number;
  readonly truth: {
    /** `[n, 4]`. */
    readonly boxes: Float32Array;
    /** `[n]`. */
    readonly classes: Int32Array;
  };
}

/** Which object each point is to find. */
export interface PointAssignment {
  /** `[P]`: index of the object; −1 for none. */
  readonly objects: Int32Array;
  /** `[P]`: the score that the point is to have, 0 to 1. */
  readonly scores: Float32Array;
}

/**
 * Task-aligned assignment (Feng et al. 2021, "TOOD", §3.2): of the points within an object's box, those whose score and
 * box agree with it best, by alignment = scoreᵅ · IoUᵝ. A point that several objects claim goes to the one that its box
 * overlaps most. Its target score is its alignment, scaled so that the best of an object's has the object's greatest IoU.
 *
 * An object narrower than the finest stride counts as that wide, so that there is a point within.
 */
export function assignPoints(
  { logits, boxes, numClasses, truth }: PointScene,
  { centers, strides }: Points,
  { topk, alpha, beta }: AssignmentConfig,
): PointAssignment {
  const numPoints = strides.length;
  const numObjects = truth.classes.length;
  const finest = strides[0] ?? 0;
  const objects = new Int32Array(numPoints).fill(-1);
  const overlaps = new Float32Array(numPoints);
  const alignments = new Float64Array(numPoints);
  for (let object = 0; object < numObjects; object++) {
    const [left, right] = widened(truth.boxes[4 * object]!, truth.boxes[4 * object + 2]!, finest);
    const [top, bottom] = widened(truth.boxes[4 * object + 1]!, truth.boxes[4 * object + 3]!, finest);
    const candidates: Candidate[] = [];
    for (let point = 0; point < numPoints; point++) {
      const [x, y] = [centers[2 * point]!, centers[2 * point + 1]!];
      if (x < left || x > right || y < top || y > bottom) continue;
      const overlap = boxOverlap(boxes, point, truth.boxes, object);
      const score = 1 / (1 + Math.exp(-logits[point * numClasses + truth.classes[object]!]!));
      candidates.push({ point, overlap, alignment: score ** alpha * overlap ** beta });
    }
    candidates.sort((a, b) => b.alignment - a.alignment || a.point - b.point);
    for (const { point, overlap, alignment } of candidates.slice(0, topk)) {
      if (objects[point]! >= 0 && overlap <= overlaps[point]!) continue;
      objects[point] = object;
      overlaps[point] = overlap;
      alignments[point] = alignment;
    }
  }
  const greatestAlignment = new Float64Array(numObjects);
  const greatestOverlap = new Float64Array(numObjects);
  for (let point = 0; point < numPoints; point++) {
    const object = objects[point]!;
    if (object < 0) continue;
    greatestAlignment[object] = Math.max(greatestAlignment[object]!, alignments[point]!);
    greatestOverlap[object] = Math.max(greatestOverlap[object]!, overlaps[point]!);
  }
  // Alignments may be as small as doubles are: nothing is added to the divisor, so that bad boxes still have a best one.
  const scores = Float32Array.from(objects, (object, point) =>
    object < 0 || greatestAlignment[object] === 0
      ? 0
      : (alignments[point]! * greatestOverlap[object]!) / greatestAlignment[object]!,
  );
  return { objects, scores };
}

interface Candidate {
  readonly point: number;
  readonly overlap: number;
  readonly alignment: number;
}

/** The interval, or one of this length around its middle if that is longer. */
function widened(from: number, to: number, length: number): readonly [number, number] {
  if (to - from >= length) return [from, to];
  const middle = (from + to) / 2;
  return [middle - length / 2, middle + length / 2];
}

function boxOverlap(a: Float32Array, i: number, b: Float32Array, j: number): number {
  const [ax0, ay0, ax1, ay1] = [a[4 * i]!, a[4 * i + 1]!, a[4 * i + 2]!, a[4 * i + 3]!];
  const [bx0, by0, bx1, by1] = [b[4 * j]!, b[4 * j + 1]!, b[4 * j + 2]!, b[4 * j + 3]!];
  const width = Math.min(ax1, bx1) - Math.max(ax0, bx0);
  const height = Math.min(ay1, by1) - Math.max(ay0, by0);
  if (!(width > 0 && height > 0)) return 0;
  const shared = width * height;
  return shared / ((ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - shared);
}
