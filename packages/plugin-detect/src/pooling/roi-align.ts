import type { Shape } from '@mae-tasks/core-mae/task';
import { type Axis, createAxis, sampleAxis } from './region-axis.js';
import { plainWorkspace, simdWorkspace, type Workspace } from './weighted-sum.js';

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
  /** `[R]`: the picture of the batch, never descending. */
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
  options: PoolOptions,
  out: Float32Array,
  workspace = workspaceFor(levels),
): void {
  const pass = createPass(levels, regions, options, workspace);
  const { poolSize } = options;
  const { across, down, channels, cellRow, regionSize } = pass;
  forEachPicture(regions, (picture, first, end) => {
    const places = pass.load(picture, first, end);
    for (let region = first; region < end; region++) {
      const { level, base, columns } = pass.sample(regions, region, places);
      for (let row = 0; row < down.numUsed; row++) {
        const source = base + (down.first + row) * level.shape[2]! * channels;
        for (let cell = 0; cell < poolSize; cell++) {
          const from = across.starts[cell]!;
          const count = Math.max(0, across.ends[cell]! - from);
          const weights = pass.acrossAt + cell * across.capacity + from - across.first;
          const to = pass.mixedAt + row * cellRow + cell * channels;
          workspace.weightedSum(to, source + from * channels, channels, weights, 1, count, channels, false);
        }
      }
      for (let cell = 0; cell < poolSize; cell++) {
        const from = Math.max(0, down.starts[cell]! - down.first);
        const count = columns === 0 ? 0 : Math.max(0, down.ends[cell]! - down.starts[cell]!);
        const weights = pass.downAt + cell * down.capacity + from;
        const to = pass.pooledAt + cell * cellRow;
        workspace.weightedSum(to, pass.mixedAt + from * cellRow, cellRow, weights, 1, count, cellRow, false);
      }
      out.set(pass.memory.subarray(pass.pooledAt, pass.pooledAt + regionSize), region * regionSize);
    }
  });
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
  options: PoolOptions,
  dPooled: Float32Array,
  factor = 1,
  workspace = workspaceFor(levels),
): void {
  const pass = createPass(levels, regions, options, workspace);
  const { across, down, channels, cellRow, regionSize } = pass;
  forEachPicture(regions, (picture, first, end) => {
    const places = pass.load(picture, first, end);
    for (let region = first; region < end; region++) {
      const { level, base, columns } = pass.sample(regions, region, places, factor);
      if (columns === 0) continue;
      pass.memory.set(dPooled.subarray(region * regionSize, (region + 1) * regionSize), pass.pooledAt);
      for (let row = 0; row < down.numUsed; row++) {
        const [start, count] = [pass.downCells[2 * row]!, pass.downCells[2 * row + 1]!];
        if (count === 0) continue;
        const weights = pass.downAt + start * down.capacity + row;
        const from = pass.pooledAt + start * cellRow;
        workspace.weightedSum(pass.mixedAt, from, cellRow, weights, down.capacity, count, cellRow, false);
        const target = base + ((down.first + row) * level.shape[2]! + across.first) * channels;
        for (let column = 0; column < across.numUsed; column++) {
          const [cell, cells] = [pass.acrossCells[2 * column]!, pass.acrossCells[2 * column + 1]!];
          const factors = pass.acrossAt + cell * across.capacity + column;
          const mixed = pass.mixedAt + cell * channels;
          const to = target + column * channels;
          workspace.weightedSum(to, mixed, channels, factors, across.capacity, cells, channels, true);
        }
      }
    }
    pass.store(picture, places);
  });
}

/** Calls `visit` with each picture and its regions, from `first` to before `end`. */
function forEachPicture({ pictures }: Regions, visit: (picture: number, first: number, end: number) => void): void {
  for (let first = 0; first < pictures.length;) {
    let end = first + 1;
    while (end < pictures.length && pictures[end] === pictures[first]) end++;
    visit(pictures[first]!, first, end);
    first = end;
  }
}

/** Where the levels of a picture lie in the workspace; −1 for those that no region needs. */
type Places = Int32Array;

/**
 * A way through all regions: one picture's levels in the workspace, and behind them a region's weights, its rows mixed
 * along x, and the pooled result.
 */
function createPass(
  levels: readonly FeatureLevel[],
  regions: Regions,
  { poolSize, samplingRatio }: PoolOptions,
  workspace: Workspace,
) {
  const [across, down] = [createAxis(poolSize), createAxis(poolSize)];
  const channels = levels[0]!.shape[3]!;
  const cellRow = poolSize * channels;
  const regionSize = poolSize * cellRow;
  const sizes = levels.map(({ shape }) => shape[1]! * shape[2]! * channels);
  const longest = Math.max(...levels.map(({ shape }) => Math.max(shape[1]!, shape[2]!)));
  const acrossAt = 0;
  const downAt = aligned(acrossAt + poolSize * 2 * longest);
  const mixedAt = aligned(downAt + poolSize * 2 * longest);
  const pooledAt = aligned(mixedAt + longest * cellRow);
  const featuresAt = aligned(pooledAt + regionSize);
  const memory = workspace.reserve(featuresAt + sizes.reduce((sum, size) => sum + size, 0));
  const [acrossCells, downCells] = [new Int32Array(2 * longest), new Int32Array(2 * longest)];

  return {
    across,
    down,
    channels,
    cellRow,
    regionSize,
    acrossAt,
    downAt,
    mixedAt,
    pooledAt,
    memory,
    /** `[2 · column]`: the first cell that reads it, and how many do. */
    acrossCells,
    downCells,
    load(picture: number, first: number, end: number): Places {
      const places = new Int32Array(levels.length).fill(-1);
      let at = featuresAt;
      for (let region = first; region < end; region++) {
        const index = regions.levels[region]!;
        if (places[index]! >= 0) continue;
        const size = sizes[index]!;
        memory.set(levels[index]!.data.subarray(picture * size, (picture + 1) * size), at);
        places[index] = at;
        at += size;
      }
      return places;
    },
    store(picture: number, places: Places): void {
      places.forEach((at, index) => {
        const size = sizes[index]!;
        if (at >= 0) levels[index]!.data.set(memory.subarray(at, at + size), picture * size);
      });
    },
    /** Writes a region's weights, those along y times a factor; `columns` is 0 for a region without samples. */
    sample({ boxes, levels: chosen }: Regions, region: number, places: Places, factor = 1) {
      const index = chosen[region]!;
      const level = levels[index]!;
      const [, height, width] = level.shape as [number, number, number, number];
      const sampling = { stride: level.stride, samplingRatio };
      sampleAxis(across, boxes[4 * region]!, boxes[4 * region + 2]!, width, sampling);
      sampleAxis(down, boxes[4 * region + 1]!, boxes[4 * region + 3]!, height, sampling);
      memory.set(across.weights, acrossAt);
      memory.set(down.weights, downAt);
      if (factor !== 1) {
        for (let i = 0; i < down.weights.length; i++) memory[downAt + i] = factor * down.weights[i]!;
      }
      findCells(across, acrossCells);
      findCells(down, downCells);
      return { level, base: places[index]!, columns: Math.min(across.numUsed, down.numUsed) };
    },
  };
}

/** Whole vectors of four. */
function aligned(place: number): number {
  return 4 * Math.ceil(place / 4);
}

/** For each feature of an axis the first cell that reads it, and how many do: cells follow one another. */
function findCells({ first, numUsed, starts, ends }: Axis, cells: Int32Array): void {
  cells.fill(0, 0, 2 * numUsed);
  for (let cell = 0; cell < starts.length; cell++) {
    for (let place = starts[cell]! - first; place < ends[cell]! - first; place++) {
      if (cells[2 * place + 1] === 0) cells[2 * place] = cell;
      cells[2 * place + 1] = cell + 1 - cells[2 * place]!;
    }
  }
}

let simd: Workspace | undefined | null = null;
let plain: Workspace | undefined;

/** The fastest workspace for levels of this width. */
function workspaceFor(levels: readonly FeatureLevel[]): Workspace {
  if (simd === null) simd = simdWorkspace();
  if (simd !== undefined && levels[0]!.shape[3]! % 4 === 0) return simd;
  plain ??= plainWorkspace();
  return plain;
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
