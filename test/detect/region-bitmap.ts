import { pasteMask } from '#core/data/targets/collate-instances.js';
import type { MaskRegion } from '#core/data/targets/instance-target.js';

/** The region on an otherwise empty picture: row-major `[height, width]`, 0 and 1. */
export function regionToBitmap(region: MaskRegion, picture: { width: number; height: number }): Uint8Array {
  const bitmap = new Uint8Array(picture.width * picture.height);
  pasteMask(bitmap, picture.width, region);
  return bitmap;
}
