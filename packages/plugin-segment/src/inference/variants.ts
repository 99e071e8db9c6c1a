import { type PixelStatistics, resize, type Sample } from '@mae-tasks/core-mae/task';
import type { SegmentSettings } from '../settings.js';

/** One way to look at a picture: at some size, mirrored or not. */
export interface Variant {
  /** 0–255, `[height, width, C]`, as the network's pictures before normalisation. */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Whether windows are cut out of the mirrored picture. */
  readonly flip: boolean;
}

/** The model's window, in pixels. */
export interface WindowSize {
  readonly height: number;
  readonly width: number;
}

/** Longer sides are limited to this many shorter ones, as mmsegmentation's 2048 × 512. */
const LONGEST = 4;

/**
 * The sizes that a picture is looked at: the one that `mode` says, times each of `scales`.
 *
 * @param picture its size in pixels
 */
export function variantSizes(
  picture: { readonly width: number; readonly height: number },
  window: WindowSize,
  { mode, shorter, scales }: SegmentSettings['inference'],
): ReadonlyArray<{ readonly width: number; readonly height: number }> {
  const [short, long] = [Math.min(picture.width, picture.height), Math.max(picture.width, picture.height)];
  const base = (): number => {
    if (mode === 'whole') return Math.min(window.width / picture.width, window.height / picture.height);
    if (shorter === 'original') return 1;
    const side = shorter ?? Math.min(window.width, window.height);
    return Math.min(side / short, (LONGEST * side) / long);
  };
  const factor = base();
  return scales.map((scale) => ({
    width: Math.max(1, Math.round(picture.width * factor * scale)),
    height: Math.max(1, Math.round(picture.height * factor * scale)),
  }));
}

/** The variants of a picture as decoded. */
export function variantsOf(sample: Sample, window: WindowSize, inference: SegmentSettings['inference']): Variant[] {
  const { width, height, channels } = sample;
  const picture = { data: sample.pixels as Uint8Array, width, height, channels };
  return variantSizes(sample, window, inference).flatMap((size) => {
    const { data: pixels } = resize(picture, { ...size, filter: 'bilinear' });
    const variant = { pixels, ...size, channels };
    return inference.flip
      ? [
          { ...variant, flip: false },
          { ...variant, flip: true },
        ]
      : [{ ...variant, flip: false }];
  });
}

/** Where a window lies in its variant, in pixels of the variant (mirrored where it is); parts may lie beyond it. */
export interface WindowPlace {
  readonly left: number;
  readonly top: number;
}

/**
 * First pixels of windows along one side, as mmsegmentation's sliding inference has them: the last is shifted inside,
 * here to a multiple of `grid`, so that the network's results of all windows lie on one grid.
 */
export function windowStarts(length: number, window: number, stride: number, grid: number): number[] {
  const last = Math.ceil(Math.max(0, length - window) / grid) * grid;
  const starts: number[] = [];
  for (let start = 0; start < last; start += stride) starts.push(start);
  return [...starts, last];
}

/**
 * Writes a window's normalised pixels, `[h, w, C]`. What lies beyond the picture is 0: the mean colour.
 *
 * @param paddedWidth the variant's width rounded up to the grid; a mirrored picture is mirrored with this padding
 */
export function cutWindow(
  into: Float32Array,
  { pixels, width, height, channels, flip }: Variant,
  { left, top }: WindowPlace,
  window: WindowSize,
  { paddedWidth, statistics }: { readonly paddedWidth: number; readonly statistics: PixelStatistics },
): void {
  into.fill(0);
  const factors = statistics.std.map((std) => 1 / (255 * std));
  const offsets = statistics.mean.map((mean, channel) => mean / statistics.std[channel]!);
  for (let row = 0; row < window.height && top + row < height; row++) {
    for (let column = 0; column < window.width; column++) {
      const x = flip ? paddedWidth - 1 - (left + column) : left + column;
      if (x < 0 || x >= width) continue;
      const from = ((top + row) * width + x) * channels;
      const to = (row * window.width + column) * channels;
      for (let channel = 0; channel < channels; channel++) {
        into[to + channel] = pixels[from + channel]! * factors[channel]! - offsets[channel]!;
      }
    }
  }
}
