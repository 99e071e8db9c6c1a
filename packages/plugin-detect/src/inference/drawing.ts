import { decodeRle, type Rle } from '@mae-tasks/core-mae/coco';
import {
  decodeMask,
  drawObjects,
  encodePng,
  type PixelStatistics,
  pictureSheetPng,
  type Sample,
  type SheetPicture,
  toSheetPicture,
} from '@mae-tasks/core-mae/task';
import { isInstances } from '../facts.js';

/** An object to draw, in pixels of the picture itself. */
export interface FoundObject {
  /** `[x, y, width, height]`. */
  readonly box: readonly [number, number, number, number];
  readonly classIndex: number;
  readonly label: string;
  readonly mask?: Rle;
  readonly crowd?: boolean;
}

/** How the samples' pixels became what they are. */
export interface SeenPicture extends PixelStatistics {
  readonly channels: number;
}

/** Longer side of pictures on sheets, and the limits of those on their own; smaller ones would not hold the labels. */
const SHEET_SIDE = 320;
const FILE_SIDES = [640, 1600] as const;

/** A sample's annotated objects; undefined for a picture without annotations. */
export function trueObjectsOf({ target, originalWidth, originalHeight }: Sample, classNames: readonly string[]) {
  if (!isInstances(target)) return undefined;
  return Array.from(target.ids, (_, i): FoundObject => {
    const [x0, y0, x1, y1] = target.boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const mask = target.masks[i];
    return {
      box: [x0, y0, x1 - x0, y1 - y0],
      classIndex: target.classes[i]!,
      label: classNames[target.classes[i]!]!,
      crowd: target.crowds[i] === 1,
      ...(mask === undefined ? {} : { mask: decodeMask(mask, originalHeight, originalWidth) }),
    };
  });
}

/** A picture with objects on it as a PNG file. */
export async function drawObjectsPng(
  sample: Sample,
  objects: readonly FoundObject[],
  seen: SeenPicture,
): Promise<Uint8Array> {
  const longest = Math.max(sample.originalWidth, sample.originalHeight);
  const side = Math.min(Math.max(longest, FILE_SIDES[0]), FILE_SIDES[1]);
  return encodePng(await drawnPicture(sample, objects, seen, side));
}

export interface SheetEntry {
  readonly sample: Sample;
  /** Undefined where it is not known. */
  readonly truth: readonly FoundObject[] | undefined;
  readonly found: readonly FoundObject[];
}

/** A sheet of pictures with what was found on them, beside what there is where that is known, as a PNG file. */
export async function objectSheetPng(entries: readonly SheetEntry[], seen: SeenPicture): Promise<Uint8Array> {
  const compared = entries.some(({ truth }) => truth !== undefined);
  const drawn = await Promise.all(
    entries.map(async ({ sample, truth, found }): Promise<SheetPicture[]> => {
      const answer = { ...(await drawnPicture(sample, found, seen, SHEET_SIDE)), caption: sample.id };
      if (!compared) return [answer];
      return [await drawnPicture(sample, truth ?? [], seen, SHEET_SIDE), answer];
    }),
  );
  const perRow = compared ? 2 : 4;
  const rows = Array.from({ length: Math.ceil(drawn.length / perRow) }, (_, row) => ({
    pictures: drawn.slice(row * perRow, (row + 1) * perRow).flat(),
  }));
  const pairs = Array.from({ length: Math.min(perRow, drawn.length) }, () => ['truth', 'prediction']).flat();
  return pictureSheetPng(
    { title: 'Predictions', rows, ...(compared ? { columns: pairs } : {}) },
    { minSide: SHEET_SIDE, maxSide: SHEET_SIDE, enlarging: 'smooth' },
  );
}

/** The picture as the detector saw it, its longer side resized to `side` pixels. */
function drawnPicture(
  sample: Sample,
  objects: readonly FoundObject[],
  { channels, mean, std }: SeenPicture,
  side: number,
): ReturnType<typeof drawObjects> {
  const { width, height } = sample;
  const config = { imageSize: [height, width] as const, inChannels: channels };
  const seen = toSheetPicture(sample.pixels as Float32Array, { config, mean, std });
  const [scaleX, scaleY] = [width / sample.originalWidth, height / sample.originalHeight];
  const scaled = objects.map(({ box: [x, y, w, h], mask, ...rest }) => ({
    ...rest,
    box: [x * scaleX, y * scaleY, w * scaleX, h * scaleY] as const,
    ...(mask === undefined ? {} : { mask: resizedMask(mask, width, height) }),
  }));
  return drawObjects(seen, scaled, side);
}

/** The nearest pixels of a mask: row-major `[height, width]`, 0 and 1. */
function resizedMask(mask: Rle, width: number, height: number): Uint8Array {
  const whole = decodeRle(mask);
  const result = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.min(mask.height - 1, Math.floor(((y + 0.5) * mask.height) / height)) * mask.width;
    for (let x = 0; x < width; x++) {
      result[y * width + x] = whole[row + Math.min(mask.width - 1, Math.floor(((x + 0.5) * mask.width) / width))]!;
    }
  }
  return result;
}
