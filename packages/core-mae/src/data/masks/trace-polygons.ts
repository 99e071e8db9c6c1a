import { decodeRle, type Rle } from './rle.js';

/**
 * Outlines of a mask as polygons, one for each 4-connected region, along the pixels' edges. Rasterised again
 * (`polygonsToRle`) they give the same mask exactly; holes are cut out by walking from the outline to the hole and
 * back on the same line.
 *
 * @returns for each region its `x, y` pairs in absolute pixels, at least four points
 */
export function rleToPolygons(rle: Rle): Float64Array[] {
  const { height, width } = rle;
  const mask = decodeRle(rle);
  const labels = labelRegions(mask, height, width);
  const outlines: number[][] = [];
  const holes: Array<{ label: number; points: number[] }> = [];
  // Walked[p] marks the top edge of pixel p as used and, in its second bit, the bottom edge.
  const walked = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (mask[at] === 0) continue;
      const label = labels[at]!;
      if ((walked[at]! & 1) === 0 && (y === 0 || mask[at - width] === 0)) {
        // Scanning from the top left, a region's first open top edge lies on its outer outline.
        const points = followOutline(mask, walked, height, width, x, y, EAST);
        if (outlines[label] === undefined) outlines[label] = points;
        else holes.push({ label, points });
      }
      if ((walked[at]! & 2) === 0 && (y === height - 1 || mask[at + width] === 0)) {
        holes.push({ label, points: followOutline(mask, walked, height, width, x + 1, y + 1, WEST) });
      }
    }
  }
  for (const { label, points } of holes) {
    const outline = outlines[label]!;
    const [x, y] = [outline[0]!, outline[1]!];
    outline.push(x, y);
    // Not spread into push: an outline may have more points than a call may have arguments.
    for (const coordinate of points) outline.push(coordinate);
    outline.push(points[0]!, points[1]!, x, y);
  }
  return outlines.map((points) => Float64Array.from(withoutRepeats(points)));
}

const EAST = 0;
const SOUTH = 1;
const WEST = 2;
const NORTH = 3;
const STEP_X = [1, 0, -1, 0] as const;
const STEP_Y = [0, 1, 0, -1] as const;

/** The corners of one outline, with the foreground always on the right-hand side of the walk. */
function followOutline(
  mask: Uint8Array,
  walked: Uint8Array,
  height: number,
  width: number,
  startX: number,
  startY: number,
  startDirection: number,
): number[] {
  const filled = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
  const points: number[] = [];
  let x = startX;
  let y = startY;
  let direction = startDirection;
  do {
    points.push(x, y);
    // Straight on until the outline turns.
    for (;;) {
      if (direction === EAST) walked[y * width + x]! |= 1;
      else if (direction === WEST) walked[(y - 1) * width + x - 1]! |= 2;
      x += STEP_X[direction]!;
      y += STEP_Y[direction]!;
      const turn = nextDirection(filled, x, y, direction);
      if (turn !== direction) {
        direction = turn;
        break;
      }
      if (x === startX && y === startY && direction === startDirection) return points;
    }
  } while (x !== startX || y !== startY || direction !== startDirection);
  return points;
}

/** Right where the pixel ahead on the right is empty (regions are 4-connected), left where both ahead are filled. */
function nextDirection(filled: (x: number, y: number) => boolean, x: number, y: number, direction: number): number {
  const [aheadRight, aheadLeft] =
    direction === EAST
      ? [filled(x, y), filled(x, y - 1)]
      : direction === SOUTH
        ? [filled(x - 1, y), filled(x, y)]
        : direction === WEST
          ? [filled(x - 1, y - 1), filled(x - 1, y)]
          : [filled(x, y - 1), filled(x - 1, y - 1)];
  if (!aheadRight) return (direction + 1) % 4;
  return aheadLeft ? (direction + NORTH) % 4 : direction;
}

/** Region numbers from 0 in order of their first pixel, −1 for background: `[H, W]`. */
function labelRegions(mask: Uint8Array, height: number, width: number): Int32Array {
  const labels = new Int32Array(height * width).fill(-1);
  const pending: number[] = [];
  let numRegions = 0;
  for (let seed = 0; seed < mask.length; seed++) {
    if (mask[seed] === 0 || labels[seed]! >= 0) continue;
    const label = numRegions++;
    labels[seed] = label;
    pending.push(seed);
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      const x = at % width;
      const neighbours = [
        at >= width ? at - width : -1,
        at + width < mask.length ? at + width : -1,
        x > 0 ? at - 1 : -1,
        x + 1 < width ? at + 1 : -1,
      ];
      for (const next of neighbours) {
        if (next < 0 || mask[next] === 0 || labels[next]! >= 0) continue;
        labels[next] = label;
        pending.push(next);
      }
    }
  }
  return labels;
}

function withoutRepeats(points: readonly number[]): number[] {
  const kept: number[] = [];
  for (let i = 0; i < points.length; i += 2) {
    const length = kept.length;
    if (length > 0 && kept[length - 2] === points[i] && kept[length - 1] === points[i + 1]) continue;
    kept.push(points[i]!, points[i + 1]!);
  }
  return kept;
}
