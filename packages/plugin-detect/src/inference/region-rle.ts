import { type Rle, rleFromCounts } from '@mae-tasks/core-mae/coco';
import type { MaskRegion } from '@mae-tasks/core-mae/task';

/** The runs of a region on an otherwise empty picture, without drawing the picture. */
export function regionToRle(
  { left, top, width, height, data }: MaskRegion,
  picture: { readonly width: number; readonly height: number },
): Rle {
  const counts: number[] = [];
  let end = 0;
  let runEnd = -1;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if (data[y * width + x] === 0) continue;
      const at = (left + x) * picture.height + top + y;
      if (at === runEnd) counts[counts.length - 1]!++;
      else counts.push(at - end, 1);
      runEnd = at + 1;
      end = runEnd;
    }
  }
  const rest = picture.width * picture.height - end;
  if (rest > 0 || counts.length === 0) counts.push(rest);
  return rleFromCounts(counts, picture.height, picture.width);
}
