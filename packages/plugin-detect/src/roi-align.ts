import type { Shape } from '@mae-tasks/core-mae';
import { type Axis, createAxis, sampleAxis } from './region-axis.js';

/** One pyramid level in memory. */
export interface FeatureLevel {
  /** `[B, h, w, C]`, row-major. */
  readonly data: Float32Array;
  readonly shape: Shape;
  /** Pixels between neighbouring cells. */
  readonly stride: number;
}

/** Boxes to pool. */
export interface Regions {
  /** `[R, 4]`: `[x0, y0, x1, y1]` in pixels. */
  readonly boxes: Float32Array;
  /** `[R]`: the picture of the batch. */
  readonly pictures: Int32Array;
  /** `[R]`: index into the levels. */
  readonly levels: Int32Array;
}

export interface PoolOptions {
  /** Cells along each side of the result. */
  readonly poolSize: number;
  /** Samples along each side of a cell; 0: as many as it has pixels, rounded up. */
  readonly samplingRatio: number;
}

/**
 * Features of each region on a grid of its own, `[R, S, S, C]` (He et al. 2017; detectron2's ROIAlignV2, with the half
 * pixel's shift): the mean of bilinear samples in each cell.
 *
 * Sampling is separable: rows of features are first mixed along x for each column of cells, then along y, so that each
 * feature is read once, not four times a sample.
 *
 * @param out filled from its beginning; the rest stays as it is
 */
export function roiAlign(
  levels: readonly FeatureLevel[],
  regions: Regions,
  { poolSize, samplingRatio }: PoolOptions,
  out: Float32Array,
): void {
  const [across, down] = [createAxis(poolSize), createAxis(poolSize)];
  const channels = levels[0]!.shape[3]!;
  const cellRow = poolSize * channels;
  const mixed = new Float32Array(cellRow);
  for (let region = 0; region < regions.pictures.length; region++) {
    const level = levels[regions.levels[region]!]!;
    const [, height, width] = level.shape as [number, number, number, number];
    sampleRegion(across, down, regions.boxes, 4 * region, level, samplingRatio);
    const target = out.subarray(region * poolSize * cellRow, (region + 1) * poolSize * cellRow).fill(0);
    const picture = regions.pictures[region]! * height * width * channels;
    for (let row = 0; row < down.numUsed; row++) {
      const y = down.first + row;
      mixed.fill(0);
      const source = picture + y * width * channels;
      for (let cell = 0; cell < poolSize; cell++) {
        for (let x = across.starts[cell]!; x < across.ends[cell]!; x++) {
          const weight = across.weights[cell * across.capacity + x - across.first]!;
          addScaled(mixed, cell * channels, level.data, source + x * channels, channels, weight);
        }
      }
      for (let cell = 0; cell < poolSize; cell++) {
        if (y < down.starts[cell]! || y >= down.ends[cell]!) continue;
        addScaled(target, cell * cellRow, mixed, 0, cellRow, down.weights[cell * down.capacity + row]!);
      }
    }
  }
}

/**
 * Adds the gradients by the features to the levels' arrays, from the gradients by the pooled features: the transpose of
 * {@link roiAlign}.
 *
 * @param levels gradients by level, of the features' shapes; added to
 * @param dPooled `[R, S, S, C]`
 * @param factor on the gradients by the pooled features. Default 1
 */
export function roiAlignGradient(
  levels: readonly FeatureLevel[],
  regions: Regions,
  { poolSize, samplingRatio }: PoolOptions,
  dPooled: Float32Array,
  factor = 1,
): void {
  const [across, down] = [createAxis(poolSize), createAxis(poolSize)];
  const channels = levels[0]!.shape[3]!;
  const cellRow = poolSize * channels;
  const mixed = new Float32Array(cellRow);
  for (let region = 0; region < regions.pictures.length; region++) {
    const level = levels[regions.levels[region]!]!;
    const [, height, width] = level.shape as [number, number, number, number];
    sampleRegion(across, down, regions.boxes, 4 * region, level, samplingRatio);
    const picture = regions.pictures[region]! * height * width * channels;
    for (let row = 0; row < down.numUsed; row++) {
      const y = down.first + row;
      mixed.fill(0);
      for (let cell = 0; cell < poolSize; cell++) {
        if (y < down.starts[cell]! || y >= down.ends[cell]!) continue;
        const from = (region * poolSize + cell) * cellRow;
        addScaled(mixed, 0, dPooled, from, cellRow, factor * down.weights[cell * down.capacity + row]!);
      }
      const target = picture + y * width * channels;
      for (let cell = 0; cell < poolSize; cell++) {
        for (let x = across.starts[cell]!; x < across.ends[cell]!; x++) {
          const weight = across.weights[cell * across.capacity + x - across.first]!;
          addScaled(level.data, target + x * channels, mixed, cell * channels, channels, weight);
        }
      }
    }
  }
}

function addScaled(
  to: Float32Array,
  toStart: number,
  from: Float32Array,
  fromStart: number,
  length: number,
  factor: number,
): void {
  for (let i = 0; i < length; i++) to[toStart + i]! += factor * from[fromStart + i]!;
}

function sampleRegion(
  across: Axis,
  down: Axis,
  boxes: Float32Array,
  at: number,
  { stride, shape }: FeatureLevel,
  samplingRatio: number,
): void {
  sampleAxis(across, boxes[at]!, boxes[at + 2]!, shape[2]!, { stride, samplingRatio });
  sampleAxis(down, boxes[at + 1]!, boxes[at + 3]!, shape[1]!, { stride, samplingRatio });
}

/**
 * The level for each box, an index into strides: a box of 224 pixels goes where 16 pixels lie between cells, one of
 * half the size one level finer (Lin et al. 2017, eq. 1; detectron2's `assign_boxes_to_levels`).
 *
 * @param strides of the levels that boxes are pooled from, each twice the one before
 */
export function assignLevels(boxes: Float32Array, strides: readonly number[]): Int32Array {
  return Int32Array.from({ length: boxes.length / 4 }, (_, i) => {
    const area = (boxes[4 * i + 2]! - boxes[4 * i]!) * (boxes[4 * i + 3]! - boxes[4 * i + 1]!);
    const size = Math.sqrt(Math.max(area, 0)) / 224 + 1e-8;
    const level = Math.floor(Math.log2((size * 16) / strides[0]!));
    return Math.min(Math.max(level, 0), strides.length - 1);
  });
}
