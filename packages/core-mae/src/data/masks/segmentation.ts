import { GrowingBytes, GrowingFloat64, GrowingInt32 } from './growing.js';
import { polygonsToRle } from './polygon.js';
import { rleFromBytes } from './rle-string.js';
import { emptyRle, type Rle } from './rle.js';

export const NO_SEGMENTATION = 0;
export const POLYGONS = 1;
export const RUNS = 2;

/**
 * The outlines and masks of many annotations in a few large arrays; entry i belongs to annotation i. All `…Ends` hold
 * where an entry ends and the next begins.
 */
export interface SegmentationPool {
  /** `NO_SEGMENTATION`, `POLYGONS` or `RUNS` by annotation. */
  readonly kinds: Uint8Array;
  readonly partEnds: Int32Array;
  /** By polygon part, in numbers (not points). */
  readonly coordinateEnds: Int32Array;
  readonly coordinates: Float64Array;
  /** By annotation, in bytes of the compressed runs. */
  readonly runEnds: Int32Array;
  readonly runBytes: Uint8Array;
  /** `[height, width]` by annotation, 0 where there are no runs. */
  readonly runSizes: Int32Array;
}

/** Collects segmentations in the order of their annotations: append parts or runs, then `endEntry`. */
export class SegmentationBuilder {
  readonly coordinates: GrowingFloat64;
  readonly runBytes: GrowingBytes;
  private readonly kinds = new GrowingBytes();
  private readonly partEnds = new GrowingInt32();
  private readonly coordinateEnds = new GrowingInt32();
  private readonly runEnds = new GrowingInt32();
  private readonly runSizes = new GrowingInt32();
  private height = 0;
  private width = 0;

  constructor(numCoordinatesHint = 1024, numRunBytesHint = 1024) {
    this.coordinates = new GrowingFloat64(numCoordinatesHint);
    this.runBytes = new GrowingBytes(numRunBytesHint);
  }

  /** Closes a polygon part whose numbers have been pushed to `coordinates`. */
  endPart(): void {
    this.coordinateEnds.push(this.coordinates.length);
  }

  /** Declares the size of the runs that have been pushed to `runBytes`. */
  setRunSize(height: number, width: number): void {
    this.height = height;
    this.width = width;
  }

  get numParts(): number {
    return this.coordinateEnds.length;
  }

  /** Forgets the parts and runs pushed since the last entry. */
  discardEntry(): void {
    const { partEnds, coordinateEnds, runEnds } = this;
    coordinateEnds.length = partEnds.length === 0 ? 0 : partEnds.data[partEnds.length - 1]!;
    this.coordinates.length = coordinateEnds.length === 0 ? 0 : coordinateEnds.data[coordinateEnds.length - 1]!;
    this.runBytes.length = runEnds.length === 0 ? 0 : runEnds.data[runEnds.length - 1]!;
    this.height = 0;
    this.width = 0;
  }

  /** Closes the present annotation's entry. */
  endEntry(): void {
    const { partEnds, runEnds } = this;
    const hasParts = this.coordinateEnds.length > (partEnds.length === 0 ? 0 : partEnds.data[partEnds.length - 1]!);
    const hasRuns = this.runBytes.length > (runEnds.length === 0 ? 0 : runEnds.data[runEnds.length - 1]!);
    this.kinds.push(hasRuns ? RUNS : hasParts ? POLYGONS : NO_SEGMENTATION);
    partEnds.push(this.coordinateEnds.length);
    runEnds.push(this.runBytes.length);
    this.runSizes.push(this.height);
    this.runSizes.push(this.width);
    this.height = 0;
    this.width = 0;
  }

  finish(): SegmentationPool {
    return {
      kinds: this.kinds.finish(),
      partEnds: this.partEnds.finish(),
      coordinateEnds: this.coordinateEnds.finish(),
      coordinates: this.coordinates.finish(),
      runEnds: this.runEnds.finish(),
      runBytes: this.runBytes.finish(),
      runSizes: this.runSizes.finish(),
    };
  }
}

/** An annotation's polygon parts: views of `x, y` pairs in absolute pixels; none where it has runs or nothing. */
export function polygonsAt(pool: SegmentationPool, index: number): Float64Array[] {
  const parts: Float64Array[] = [];
  for (let part = index === 0 ? 0 : pool.partEnds[index - 1]!; part < pool.partEnds[index]!; part++) {
    parts.push(pool.coordinates.subarray(part === 0 ? 0 : pool.coordinateEnds[part - 1]!, pool.coordinateEnds[part]));
  }
  return parts;
}

/**
 * An annotation's mask; empty where it has no segmentation.
 *
 * @param height, width the picture's size; runs bring their own
 */
export function rleAt(pool: SegmentationPool, index: number, height: number, width: number): Rle {
  const kind = pool.kinds[index]!;
  if (kind === RUNS) {
    const start = index === 0 ? 0 : pool.runEnds[index - 1]!;
    return rleFromBytes(
      pool.runBytes,
      start,
      pool.runEnds[index]!,
      pool.runSizes[2 * index]!,
      pool.runSizes[2 * index + 1]!,
    );
  }
  return kind === POLYGONS ? polygonsToRle(polygonsAt(pool, index), height, width) : emptyRle(height, width);
}
