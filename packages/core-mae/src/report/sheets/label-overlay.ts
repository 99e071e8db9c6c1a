import { classColor } from '../../data/images/class-colors.js';
import type { SheetPicture, SheetRow } from './picture-sheet.js';

/** Share of a class's colour in a coloured pixel. */
const OPACITY = 0.6;
const SWATCH = { width: 160, height: 14 };
const MAX_SWATCHES = 24;

/** A picture as decoded, 0–255. */
export interface OverlaidPicture {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** The classes of pixels, as they are to be shown. */
export interface ShownClasses {
  readonly classNames: readonly string[];
  /** Whether class 0 is what is no object, and keeps the picture's own colours. */
  readonly background: boolean;
}

/**
 * The picture in RGB with its classes' colours on it, the borders between them darker. The background, where class 0 is
 * that, and what is no class keep the picture's own colours.
 *
 * @param labels class indexes, row-major `[H, W]`
 */
export function overlay(
  { pixels, width, height, channels }: OverlaidPicture,
  labels: ArrayLike<number>,
  { classNames, background }: ShownClasses,
): SheetPicture {
  const data = new Uint8Array(3 * width * height);
  const colors = classNames.map((_, index) => classColor(index));
  for (let i = 0; i < width * height; i++) {
    const label = labels[i]!;
    const color = label === 0 && background ? undefined : colors[label];
    const x = i % width;
    const differs =
      (x + 1 < width && labels[i + 1] !== label) || (i + width < labels.length && labels[i + width] !== label);
    for (let channel = 0; channel < 3; channel++) {
      const value = pixels[i * channels + Math.min(channel, channels - 1)]!;
      const mixed = color === undefined ? value : value * (1 - OPACITY) + color[channel]! * OPACITY;
      data[3 * i + channel] = Math.round(differs ? mixed * 0.4 : mixed);
    }
  }
  return { data, width, height, channels: 3 };
}

/** The classes that occur, as rows of coloured swatches with their names. */
export function legendRows(
  maps: ReadonlyArray<ArrayLike<number>>,
  { classNames, background }: ShownClasses,
  columns: number,
): SheetRow[] {
  const present = new Set<number>();
  for (const labels of maps) for (let i = 0; i < labels.length; i++) present.add(labels[i]!);
  const shown = classNames.flatMap((name, index) =>
    present.has(index) && !(index === 0 && background) ? [swatch(name, index)] : [],
  );
  const kept = shown.slice(0, MAX_SWATCHES);
  return Array.from({ length: Math.ceil(kept.length / columns) }, (_, row) => ({
    pictures: kept.slice(row * columns, (row + 1) * columns),
  }));
}

function swatch(name: string, index: number): SheetPicture {
  const color = classColor(index);
  const data = new Uint8Array(3 * SWATCH.width * SWATCH.height).map((_, i) => color[i % 3]!);
  return { data, ...SWATCH, channels: 3, caption: name };
}
