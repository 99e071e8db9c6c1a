import { basename, extname } from 'node:path';
import { rleToString } from '@mae-tasks/core-mae/coco';
import { isInstances, type PictureIdentity, rleOfRegion, type Sample } from '@mae-tasks/core-mae/task';
import type { DetectFacts } from '../facts.js';
import type { FoundObjects } from './found-objects.js';

/** An entry of a list of results in COCO's format. */
export interface CocoResult {
  /** The picture's id in its data set; for other pictures the number that its file is named by, or that name. */
  readonly image_id: number | string;
  /** The picture's name in its annotation file, or its file's. */
  readonly file_name: string;
  readonly category_id: number;
  /** `[x, y, width, height]` in pixels of the picture itself. */
  readonly bbox: readonly [number, number, number, number];
  readonly score: number;
  /** Compressed runs; absent for a detector without masks. */
  readonly segmentation?: { readonly size: readonly [height: number, width: number]; readonly counts: string };
}

/** A picture's objects as entries of a list of results. @param identity what an annotation file calls the picture */
export function cocoResults(
  { target, id, originalWidth: width, originalHeight: height }: Sample,
  found: FoundObjects,
  { categoryIds }: DetectFacts,
  identity?: PictureIdentity,
): CocoResult[] {
  const ownId = isInstances(target) ? target.imageId : imageIdOf(id);
  return found.map(({ classIndex, score, box, mask }) => ({
    image_id: identity?.imageId ?? ownId,
    file_name: identity?.fileName ?? basename(id),
    category_id: categoryIds[classIndex]!,
    bbox: box,
    score,
    ...(mask === undefined
      ? {}
      : { segmentation: { size: [height, width], counts: rleToString(rleOfRegion(mask, { width, height })) } }),
  }));
}

/** The number that a file is named by, or its name. */
function imageIdOf(id: string): number | string {
  const name = basename(id);
  const stem = name.slice(0, name.length - extname(name).length);
  return /^\d{1,15}$/.test(stem) ? Number(stem) : name;
}
