import { basename } from 'node:path';
import {
  decodeMask,
  type DrawnObject,
  drawObjects,
  encodePng,
  isInstances,
  type MaskRegion,
  pictureSheetPng,
  type PixelStatistics,
  regionOfRle,
  type Sample,
  type SheetPicture,
  toSheetPicture,
} from '@mae-tasks/core-mae/task';
import { percent } from './draw-threshold.js';
import type { FoundObject, FoundObjects } from './found-objects.js';

/** How the samples' pixels became what they are. */
export interface SeenPicture extends PixelStatistics {
  readonly channels: number;
}

/** Longer side of pictures on sheets, and the limits of those on their own; smaller ones would not hold the labels. */
const SHEET_SIDE = 320;
const FILE_SIDES = [640, 1600] as const;

/** Found objects as they are drawn on the picture that the detector saw. */
export function drawnAnswer(sample: Sample, found: FoundObjects): DrawnObject[] {
  return found.map(({ class: name, classIndex, score, box, mask }) => ({
    classIndex,
    label: `${name} ${percent(score)}`,
    ...asSeen(sample, box, mask),
  }));
}

/** A sample's annotated objects in the same way; undefined for a picture without annotations. */
export function drawnTruth(sample: Sample, classNames: readonly string[]): DrawnObject[] | undefined {
  const { target, originalWidth, originalHeight } = sample;
  if (!isInstances(target)) return undefined;
  return Array.from(target.ids, (_, i) => {
    const [x0, y0, x1, y1] = target.boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const mask = target.masks[i];
    const region = mask === undefined ? undefined : regionOfRle(decodeMask(mask, originalHeight, originalWidth));
    return {
      classIndex: target.classes[i]!,
      label: classNames[target.classes[i]!]!,
      crowd: target.crowds[i] === 1,
      ...asSeen(sample, [x0, y0, x1 - x0, y1 - y0], region),
    };
  });
}

/** A picture with objects on it as a PNG file. */
export async function drawObjectsPng(
  sample: Sample,
  objects: readonly DrawnObject[],
  seen: SeenPicture,
): Promise<Uint8Array> {
  const longest = Math.max(sample.originalWidth, sample.originalHeight);
  const side = Math.min(Math.max(longest, FILE_SIDES[0]), FILE_SIDES[1]);
  return encodePng(await drawnPicture(sample, objects, seen, side));
}

/** A picture of a sheet. */
export interface SheetEntry {
  readonly sample: Sample;
  /** Undefined where it is not known. */
  readonly truth: readonly DrawnObject[] | undefined;
  readonly found: readonly DrawnObject[];
  /** What is to be said of the answer, besides. */
  readonly note?: string | undefined;
}

/** A sheet of pictures with what was found on them, beside what there is where that is known, as a PNG file. */
export async function objectSheetPng(
  title: string,
  entries: readonly SheetEntry[],
  seen: SeenPicture,
): Promise<Uint8Array> {
  const compared = entries.some(({ truth }) => truth !== undefined);
  const drawn = await Promise.all(
    entries.map(async ({ sample, truth, found, note }): Promise<SheetPicture[]> => {
      const answer = await drawnPicture(sample, found, seen, SHEET_SIDE);
      if (!compared)
        return [{ ...answer, caption: note === undefined ? sample.id : `${basename(sample.id)}: ${note}` }];
      const annotated = await drawnPicture(sample, truth ?? [], seen, SHEET_SIDE);
      // The picture's name stands below the truth where the answer needs its place.
      if (note === undefined) return [annotated, { ...answer, caption: sample.id }];
      return [
        { ...annotated, caption: sample.id },
        { ...answer, caption: note },
      ];
    }),
  );
  const perRow = compared ? 2 : 4;
  const rows = Array.from({ length: Math.ceil(drawn.length / perRow) }, (_, row) => ({
    pictures: drawn.slice(row * perRow, (row + 1) * perRow).flat(),
  }));
  const pairs = Array.from({ length: Math.min(perRow, drawn.length) }, () => ['truth', 'prediction']).flat();
  return pictureSheetPng(
    { title, rows, ...(compared ? { columns: pairs } : {}) },
    { minSide: SHEET_SIDE, maxSide: SHEET_SIDE, enlarging: 'smooth' },
  );
}

/** The picture as the detector saw it with objects on it, its longer side resized to `side` pixels. */
function drawnPicture(
  { pixels, width, height }: Sample,
  objects: readonly DrawnObject[],
  { channels, mean, std }: SeenPicture,
  side: number,
): ReturnType<typeof drawObjects> {
  const config = { imageSize: [height, width] as const, inChannels: channels };
  return drawObjects(toSheetPicture(pixels as Float32Array, { config, mean, std }), objects, side);
}

/** A box and a mask in pixels of the picture itself, at the size that the detector saw. */
function asSeen(
  { width, height, originalWidth, originalHeight }: Sample,
  [x, y, w, h]: FoundObject['box'],
  mask: MaskRegion | undefined,
): Pick<DrawnObject, 'box' | 'mask'> {
  const [scaleX, scaleY] = [width / originalWidth, height / originalHeight];
  const box = [x * scaleX, y * scaleY, w * scaleX, h * scaleY] as const;
  if (mask === undefined) return { box };
  // The nearest pixels.
  const resized = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = Math.min(originalHeight - 1, Math.floor(((row + 0.5) * originalHeight) / height)) - mask.top;
    if (from < 0 || from >= mask.height) continue;
    for (let column = 0; column < width; column++) {
      const at = Math.min(originalWidth - 1, Math.floor(((column + 0.5) * originalWidth) / width)) - mask.left;
      if (at >= 0 && at < mask.width) resized[row * width + column] = mask.data[from * mask.width + at]!;
    }
  }
  return { box, mask: resized };
}
