import type { MaskRegion } from '#core/data/targets/instance-target.js';

/** The region on an otherwise empty picture: row-major `[height, width]`, 0 and 1. */
export function regionToBitmap(
  { left, top, width: columns, height: rows, data }: MaskRegion,
  { width, height }: { readonly width: number; readonly height: number },
): Uint8Array {
  const bitmap = new Uint8Array(width * height);
  for (let y = 0; y < rows; y++) bitmap.set(data.subarray(y * columns, (y + 1) * columns), (top + y) * width + left);
  return bitmap;
}
