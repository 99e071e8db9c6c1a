import type { Instances, Random } from '@mae-tasks/core-mae/task';
import type { PointAssignment } from './assignment.js';
import type { OneStageConfig } from './config.js';
import type { Points } from './points.js';
import { maskOnGrid } from './mask-grid.js';
import { prototypeGrid, prototypeStride } from './prototypes.js';

/** Where one picture's targets are written: views on the batch, zeros at the start. */
export interface PointTargetArrays {
  /** `[P, K]`. */
  readonly scores: Float32Array;
  /** `[P]`. */
  readonly weights: Float32Array;
  /** `[P, 4]`. */
  readonly targetBoxes: Float32Array;
  /** `[P, 4]`. */
  readonly distances: Float32Array;
}

/** Distances end so far below the last bin that they lie between two. */
const BELOW_LAST = 0.01;

/** Writes what the points of a picture are to say of their objects, and returns the sum of their weights. */
export function writePointTargets(
  { objects, scores }: PointAssignment,
  truth: Instances,
  { centers, strides }: Points,
  { numClasses, regMax }: Pick<OneStageConfig, 'numClasses' | 'regMax'>,
  out: PointTargetArrays,
): number {
  const longest = regMax - 1 - BELOW_LAST;
  let sum = 0;
  objects.forEach((object, point) => {
    if (object < 0) return;
    const score = scores[point]!;
    out.scores[point * numClasses + truth.classes[object]!] = score;
    out.weights[point] = score;
    sum += score;
    for (let side = 0; side < 4; side++) {
      const edge = truth.boxes[4 * object + side]!;
      const distance = (side < 2 ? -1 : 1) * (edge - centers[2 * point + (side % 2)]!);
      out.targetBoxes[4 * point + side] = edge;
      out.distances[4 * point + side] = Math.min(longest, Math.max(0, distance / strides[point]!));
    }
  });
  return sum;
}

/** Where the targets of one picture's masks are written: views on the batch, zeros at the start. */
export interface MaskTargetArrays {
  /** `[R]`. */
  readonly maskPoints: Int32Array;
  /** `[R, h', w']`. */
  readonly masks: Float32Array;
  /** `[R, h', w']`: written as one over the number of cells in the box; the caller divides by the number of masks. */
  readonly maskWeights: Float32Array;
}

/** Writes the masks of some of the points that have one, drawn at random, and returns how many. */
export function writePrototypeTargets(
  { objects, scores }: PointAssignment,
  truth: Instances,
  config: Pick<OneStageConfig, 'vit' | 'strides' | 'masks'>,
  random: Random,
  out: MaskTargetArrays,
): number {
  const [height, width] = prototypeGrid(config);
  const grid = { height, width, stride: prototypeStride(config) };
  const known: number[] = [];
  objects.forEach((object, point) => {
    if (object >= 0 && scores[point]! > 0 && truth.masks[object] !== undefined) known.push(point);
  });
  const order = random.permutation(known.length).subarray(0, config.masks!.pointsPerImage);
  const drawn = new Map<number, ReturnType<typeof maskOnGrid>>();
  order.forEach((index, place) => {
    const point = known[index]!;
    const object = objects[point]!;
    const box = truth.boxes.subarray(4 * object, 4 * object + 4);
    const mask = drawn.get(object) ?? maskOnGrid(truth.masks[object]!, box, grid);
    drawn.set(object, mask);
    out.maskPoints[place] = point;
    out.masks.set(mask.shares, place * height * width);
    out.maskWeights.set(mask.weights, place * height * width);
  });
  return order.length;
}
