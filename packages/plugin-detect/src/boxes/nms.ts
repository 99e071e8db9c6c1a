import { greatestFirst } from './score-order.js';

/** Cells along each side of the grid that kept boxes are looked up by. */
const GRID = 16;

export interface NmsInput {
  /** `[n, 4]`, `[x0, y0, x1, y1]`. */
  readonly boxes: Float32Array;
  /** `[n]`. */
  readonly scores: Float32Array;
  /** `[n]`: boxes of different groups (classes, levels) do not suppress each other. Default: one group. */
  readonly groups?: Int32Array | undefined;
}

/**
 * Indices of the boxes that overlap no kept box of a greater score in their group by more than the threshold, greatest
 * score first (greedy non-maximum suppression; torchvision's `batched_nms`).
 *
 * @param limit at most so many
 */
export function nonMaximumSuppression(input: NmsInput, threshold: number, limit = Infinity): Int32Array {
  const { boxes, scores, groups } = input;
  const order = greatestFirst(scores);
  const kept = new Uint8Array(scores.length);
  for (const members of splitByGroup(order, groups)) {
    if (members.length < 32 || threshold < 0.5) suppressPairwise(members, boxes, threshold, kept);
    else suppressByGrid(members, boxes, threshold, kept);
  }
  const result = order.filter((index) => kept[index] === 1);
  return result.length > limit ? result.slice(0, limit) : result;
}

function splitByGroup(order: Int32Array, groups: Int32Array | undefined): Iterable<ArrayLike<number>> {
  if (groups === undefined) return [order];
  const members = new Map<number, number[]>();
  for (const index of order) {
    const group = members.get(groups[index]!);
    if (group === undefined) members.set(groups[index]!, [index]);
    else group.push(index);
  }
  return members.values();
}

/** Kept boxes so far, their values side by side. */
function keptBoxes(capacity: number): { readonly values: Float64Array; count: number } {
  return { values: new Float64Array(5 * capacity), count: 0 };
}

type Kept = ReturnType<typeof keptBoxes>;

function keep({ values, count }: Kept, boxes: Float32Array, at: number): void {
  const [x0, y0, x1, y1] = [boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!];
  values[5 * count] = x0;
  values[5 * count + 1] = y0;
  values[5 * count + 2] = x1;
  values[5 * count + 3] = y1;
  values[5 * count + 4] = (x1 - x0) * (y1 - y0);
}

/** Whether kept box `k` overlaps the box at `at` by more than the threshold, without a division. */
function overlaps(values: Float64Array, k: number, boxes: Float32Array, at: number, threshold: number): boolean {
  const width = Math.min(values[k + 2]!, boxes[at + 2]!) - Math.max(values[k]!, boxes[at]!);
  if (width <= 0) return false;
  const height = Math.min(values[k + 3]!, boxes[at + 3]!) - Math.max(values[k + 1]!, boxes[at + 1]!);
  if (height <= 0) return false;
  const shared = width * height;
  const area = (boxes[at + 2]! - boxes[at]!) * (boxes[at + 3]! - boxes[at + 1]!);
  return shared > threshold * (values[k + 4]! + area - shared);
}

function suppressPairwise(members: ArrayLike<number>, boxes: Float32Array, threshold: number, out: Uint8Array): void {
  const kept = keptBoxes(members.length);
  for (let i = 0; i < members.length; i++) {
    const at = 4 * members[i]!;
    let suppressed = false;
    for (let k = 0; k < kept.count && !suppressed; k++) suppressed = overlaps(kept.values, 5 * k, boxes, at, threshold);
    if (suppressed) continue;
    keep(kept, boxes, at);
    kept.count++;
    out[members[i]!] = 1;
  }
}

/**
 * The same with fewer comparisons: of an overlap of a half or more, the shared part covers more than half of each box's
 * width and height, and so its centre. Kept boxes are entered into every cell of a grid that they touch, and a box need
 * only be compared with those in its centre's cell.
 */
function suppressByGrid(members: ArrayLike<number>, boxes: Float32Array, threshold: number, out: Uint8Array): void {
  const [cellOfX, cellOfY] = [0, 1].map((axis) => cellLookup(members, boxes, axis)) as [CellLookup, CellLookup];
  const kept = keptBoxes(members.length);
  const cells = Array.from({ length: GRID * GRID }, (): number[] => []);
  for (let i = 0; i < members.length; i++) {
    const at = 4 * members[i]!;
    const cell =
      cells[cellOfY((boxes[at + 1]! + boxes[at + 3]!) / 2) * GRID + cellOfX((boxes[at]! + boxes[at + 2]!) / 2)]!;
    let suppressed = false;
    for (let k = 0; k < cell.length && !suppressed; k++) {
      suppressed = overlaps(kept.values, cell[k]!, boxes, at, threshold);
    }
    if (suppressed) continue;
    keep(kept, boxes, at);
    const [left, right] = [cellOfX(boxes[at]!), cellOfX(boxes[at + 2]!)];
    for (let y = cellOfY(boxes[at + 1]!); y <= cellOfY(boxes[at + 3]!); y++) {
      for (let x = left; x <= right; x++) cells[y * GRID + x]!.push(5 * kept.count);
    }
    kept.count++;
    out[members[i]!] = 1;
  }
}

type CellLookup = (position: number) => number;

/** @param axis 0 for x, 1 for y */
function cellLookup(members: ArrayLike<number>, boxes: Float32Array, axis: number): CellLookup {
  let [from, to] = [Infinity, -Infinity];
  for (let i = 0; i < members.length; i++) {
    from = Math.min(from, boxes[4 * members[i]! + axis]!);
    to = Math.max(to, boxes[4 * members[i]! + axis + 2]!);
  }
  const factor = to > from ? GRID / (to - from) : 0;
  return (position) => Math.min(Math.max(Math.floor((position - from) * factor), 0), GRID - 1);
}
