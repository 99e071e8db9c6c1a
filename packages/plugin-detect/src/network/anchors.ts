import { type DetectorConfig, pyramidGrids, pyramidStrides } from './detector-config.js';

/** The anchors of one pyramid level. */
export interface AnchorLevel {
  /** Cells of the level. */
  readonly height: number;
  readonly width: number;
  /** Of one cell. */
  readonly numAnchors: number;
  /** `[height · width · numAnchors, 4]`: `[x0, y0, x1, y1]` in pixels; cells row by row, then ratios. */
  readonly boxes: Float32Array;
}

/**
 * Anchors of the levels p2 … p6, one size a level, around the top-left corner of each cell (detectron2's
 * `DefaultAnchorGenerator` with offset 0). They may reach beyond the picture.
 */
export function createAnchors({ vit, anchors }: DetectorConfig): AnchorLevel[] {
  const strides = pyramidStrides(vit);
  const { aspectRatios } = anchors;
  return pyramidGrids(vit).map(([height, width], level) => {
    const cell = cellAnchors(anchors.sizes[level]!, aspectRatios);
    const stride = strides[level]!;
    const boxes = new Float32Array(height * width * cell.length);
    let at = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let i = 0; i < cell.length; i++) boxes[at++] = cell[i]! + stride * (i % 2 === 0 ? x : y);
      }
    }
    return { height, width, numAnchors: aspectRatios.length, boxes };
  });
}

/** Boxes of area `size`² around the origin, `[ratios, 4]`. */
function cellAnchors(size: number, aspectRatios: readonly number[]): Float32Array {
  const boxes = aspectRatios.flatMap((ratio) => {
    const width = Math.sqrt(size ** 2 / ratio);
    const height = ratio * width;
    return [-width / 2, -height / 2, width / 2, height / 2];
  });
  return Float32Array.from(boxes);
}

/** The anchors of all levels, finest first: `[A, 4]`. */
export function joinAnchors(levels: readonly AnchorLevel[]): Float32Array {
  const joined = new Float32Array(levels.reduce((sum, { boxes }) => sum + boxes.length, 0));
  let at = 0;
  for (const { boxes } of levels) {
    joined.set(boxes, at);
    at += boxes.length;
  }
  return joined;
}
