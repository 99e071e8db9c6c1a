/** A point of a line in pixels. */
export type Point = readonly [x: number, y: number];

/** The line's unbroken parts: a point that is not finite leaves a gap. */
export function unbrokenParts(xs: ArrayLike<number>, ys: ArrayLike<number>): Point[][] {
  const parts: Point[][] = [];
  let part: Point[] = [];
  for (let i = 0; i <= Math.min(xs.length, ys.length); i++) {
    const [x, y] = [xs[i] ?? Number.NaN, ys[i] ?? Number.NaN];
    if (Number.isFinite(x) && Number.isFinite(y)) part.push([x, y]);
    else if (part.length > 0) {
      parts.push(part);
      part = [];
    }
  }
  return parts;
}

/**
 * The first, lowest, highest and last point of each column of pixels: a line through them looks the same and shows
 * every spike. The points' x may not descend.
 */
export function thinned(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (let start = 0; start < points.length;) {
    const column = Math.floor(points[start]![0]);
    let end = start;
    let lowest = start;
    let highest = start;
    for (; end < points.length && Math.floor(points[end]![0]) === column; end++) {
      if (points[end]![1] < points[lowest]![1]) lowest = end;
      if (points[end]![1] > points[highest]![1]) highest = end;
    }
    const indices = new Set([start, Math.min(lowest, highest), Math.max(lowest, highest), end - 1]);
    for (const index of indices) kept.push(points[index]!);
    start = end;
  }
  return kept;
}

const numTrendPoints = 80;

/** The means of about 80 equal runs of the points: where a noisy line is going. */
export function trend(points: readonly Point[]): Point[] {
  const length = Math.ceil(points.length / numTrendPoints);
  const means: Point[] = [];
  for (let start = 0; start < points.length; start += length) {
    const run = points.slice(start, start + length);
    const mean = (axis: 0 | 1): number => run.reduce((sum, point) => sum + point[axis], 0) / run.length;
    means.push([mean(0), mean(1)]);
  }
  return means;
}

/** Whether the line has many points and goes up and down so much that its course is hard to see. */
export function isNoisy(points: readonly Point[]): boolean {
  if (points.length < 3 * numTrendPoints) return false;
  let low = points[0]![1];
  let high = low;
  let travelled = 0;
  for (let i = 1; i < points.length; i++) {
    const y = points[i]![1];
    travelled += Math.abs(y - points[i - 1]![1]);
    low = Math.min(low, y);
    high = Math.max(high, y);
  }
  return travelled > 4 * (high - low);
}
