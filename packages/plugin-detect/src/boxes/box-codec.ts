/*
 * boxes/: arithmetic of boxes `[x0, y0, x1, y1]` in pixels, on plain arrays: deltas (this file), matching, balanced
 * sampling, suppression, order by score.
 * Not here: tensors, programs and classes.
 * Called by: every other room of this plugin.
 */

/** Factors on (dx, dy, dw, dh) that bring regression targets to about the size of logits. */
export type BoxWeights = readonly [number, number, number, number];

/** For anchors, and for proposals (Girshick 2015; detectron2's defaults). */
export const RPN_BOX_WEIGHTS: BoxWeights = [1, 1, 1, 1];
export const ROI_BOX_WEIGHTS: BoxWeights = [10, 10, 5, 5];

/** The largest log-scale change of a decoded box: none grows beyond 1000/16 times. */
export const MAX_LOG_SCALE = Math.log(1000 / 16);

/** A box's deltas may be among others: `rows` of `stride` values, the box's four from `offset` on. */
interface Place {
  readonly data: Float32Array;
  /** Index of the first of four values. */
  readonly at: number;
}

/**
 * Writes the deltas that turn box `from` into box `to`: (Δx/w, Δy/h, log w'/w, log h'/h), times the weights. Boxes are
 * `[x0, y0, x1, y1]`. A side of length 0 counts as the smallest positive number that keeps the result finite.
 */
export function encodeBox(from: Place, to: Place, weights: BoxWeights, out: Place): void {
  const [a, b] = [from.data, to.data];
  const width = Math.max(a[from.at + 2]! - a[from.at]!, MIN_SIDE);
  const height = Math.max(a[from.at + 3]! - a[from.at + 1]!, MIN_SIDE);
  const newWidth = Math.max(b[to.at + 2]! - b[to.at]!, MIN_SIDE);
  const newHeight = Math.max(b[to.at + 3]! - b[to.at + 1]!, MIN_SIDE);
  const dx = b[to.at]! + newWidth / 2 - (a[from.at]! + width / 2);
  const dy = b[to.at + 1]! + newHeight / 2 - (a[from.at + 1]! + height / 2);
  out.data[out.at] = (weights[0] * dx) / width;
  out.data[out.at + 1] = (weights[1] * dy) / height;
  out.data[out.at + 2] = weights[2] * Math.log(newWidth / width);
  out.data[out.at + 3] = weights[3] * Math.log(newHeight / height);
}

/** Sides below this would make deltas of boxes without area infinite. Pixels. */
const MIN_SIDE = 1e-3;

/**
 * Writes the box that deltas make of box `from`; the inverse of {@link encodeBox}, growth limited. In float32 step by
 * step, as detectron2: pooling is sensitive to where a box lies.
 */
export function decodeBox(from: Place, deltas: Place, weights: BoxWeights, out: Place): void {
  const [a, d] = [from.data, deltas.data];
  for (let axis = 0; axis < 2; axis++) {
    const low = a[from.at + axis]!;
    const side = round(a[from.at + axis + 2]! - low);
    const centre = round(low + 0.5 * side);
    const moved = round(round(round(d[deltas.at + axis]! / weights[axis]!) * side) + centre);
    const logScale = Math.min(round(d[deltas.at + axis + 2]! / weights[axis + 2]!), MAX_LOG_SCALE);
    const half = 0.5 * round(round(Math.exp(logScale)) * side);
    out.data[out.at + axis] = moved - half;
    out.data[out.at + axis + 2] = moved + half;
  }
}

const round = Math.fround;

/** Moves a box's corners into a picture of this size. */
export function clipBox(boxes: Float32Array, at: number, width: number, height: number): void {
  boxes[at] = Math.min(Math.max(boxes[at]!, 0), width);
  boxes[at + 1] = Math.min(Math.max(boxes[at + 1]!, 0), height);
  boxes[at + 2] = Math.min(Math.max(boxes[at + 2]!, 0), width);
  boxes[at + 3] = Math.min(Math.max(boxes[at + 3]!, 0), height);
}
