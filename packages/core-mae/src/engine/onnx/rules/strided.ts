import type { GraphBuilder } from '../graph.js';
import { type LazyTensor, materialize, uniform } from '../operators/lazy-tensors.js';
import { pad, reshape, slice } from '../operators/layout.js';

/** Windows that slide over a picture, as TF.js's `computeConv2DInfo` describes them. */
export interface Windows {
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly padInfo: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
}

/** `[B, H, W, C]` with the windows' padding around it. */
export function padded(graph: GraphBuilder, x: LazyTensor, { padInfo }: Windows, fill = 0): LazyTensor {
  const { top, bottom, left, right } = padInfo;
  const paddings = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  return pad(graph, x, paddings, materialize(graph, uniform(fill, [])));
}

/** The element at place (row, column) of every window: padded `[B, H', W', C]` → `[B, outHeight, outWidth, C]`. */
export function elementOfWindows(
  graph: GraphBuilder,
  x: LazyTensor,
  windows: Windows,
  [row, column]: readonly [number, number],
): LazyTensor {
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, outHeight, outWidth } = windows;
  const [batch, , , channels] = x.shape as [number, number, number, number];
  const [top, left] = [row * dilationHeight, column * dilationWidth];
  return slice(graph, x, {
    begin: [0, top, left, 0],
    end: [batch, top + (outHeight - 1) * strideHeight + 1, left + (outWidth - 1) * strideWidth + 1, channels],
    steps: [1, strideHeight, strideWidth, 1],
  });
}

/**
 * The reverse of `elementOfWindows`: `[B, outHeight, outWidth, C]` put back at its places in an otherwise empty padded
 * picture `[B, H', W', C]`.
 */
export function placeElement(
  graph: GraphBuilder,
  values: LazyTensor,
  windows: Windows,
  [row, column]: readonly [number, number],
): LazyTensor {
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, outHeight, outWidth, padInfo } = windows;
  const [batch, , , channels] = values.shape as [number, number, number, number];
  const zero = materialize(graph, uniform(0, []));
  const height = windows.inHeight + padInfo.top + padInfo.bottom;
  const width = windows.inWidth + padInfo.left + padInfo.right;
  // Zeros between the elements: a new axis after each spatial one, grown to the stride.
  const split = reshape(graph, values, [batch, outHeight, 1, outWidth, 1, channels]);
  const gaps = [0, 0, strideHeight - 1, 0, strideWidth - 1, 0].map((after) => [0, after]);
  const spread = reshape(graph, pad(graph, split, gaps, zero), [
    batch,
    outHeight * strideHeight,
    outWidth * strideWidth,
    channels,
  ]);
  const spanHeight = (outHeight - 1) * strideHeight + 1;
  const spanWidth = (outWidth - 1) * strideWidth + 1;
  const span = slice(graph, spread, { begin: [0, 0, 0, 0], end: [batch, spanHeight, spanWidth, channels] });
  const [top, left] = [row * dilationHeight, column * dilationWidth];
  const around = [
    [0, 0],
    [top, height - top - spanHeight],
    [left, width - left - spanWidth],
    [0, 0],
  ];
  return pad(graph, span, around, zero);
}

/** A padded picture without its padding. */
export function unpadded(graph: GraphBuilder, x: LazyTensor, { padInfo, inHeight, inWidth }: Windows): LazyTensor {
  const { top, left } = padInfo;
  const [batch, , , channels] = x.shape as [number, number, number, number];
  return slice(graph, x, { begin: [0, top, left, 0], end: [batch, top + inHeight, left + inWidth, channels] });
}

/** Places in a window, row by row. */
export function windowPlaces({ filterHeight, filterWidth }: Windows): Array<[number, number]> {
  return Array.from({ length: filterHeight * filterWidth }, (_, index) => [
    Math.floor(index / filterWidth),
    index % filterWidth,
  ]);
}
