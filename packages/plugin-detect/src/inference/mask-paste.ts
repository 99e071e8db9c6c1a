import type { MaskRegion } from '@mae-tasks/core-mae/task';

/**
 * The pixels of a picture that a box's mask covers: probabilities on a grid over the box, sampled bilinearly at the
 * centres of pixels, zero beyond the grid, from the threshold on (detectron2's `paste_masks_in_image`).
 *
 * @param probabilities `[S, S]`
 * @param boxes `[n, 4]`, `[x0, y0, x1, y1]` in the picture's pixels
 * @param box which of them
 */
export function pasteMask(
  probabilities: Float32Array,
  boxes: Float32Array,
  box: number,
  picture: { readonly width: number; readonly height: number },
  threshold = 0.5,
): MaskRegion {
  const size = Math.sqrt(probabilities.length);
  const [x0, y0, x1, y1] = [boxes[4 * box]!, boxes[4 * box + 1]!, boxes[4 * box + 2]!, boxes[4 * box + 3]!];
  const columns = placesAlong(x0, x1, picture.width, size);
  const rows = placesAlong(y0, y1, picture.height, size);
  const [width, height] = [columns.lows.length, rows.lows.length];
  const data = new Uint8Array(width * height);
  // A border of zeros takes the place of checks.
  const wide = size + 2;
  const line = new Float64Array(wide);
  const padded = new Float64Array(wide * wide);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) padded[(y + 1) * wide + x + 1] = probabilities[y * size + x]!;
  }
  for (let y = 0; y < height; y++) {
    const share = rows.shares[y]!;
    const start = rows.lows[y]! * wide;
    for (let x = 0; x < wide; x++) {
      line[x] = padded[start + x]! + share * (padded[start + wide + x]! - padded[start + x]!);
    }
    const target = y * width;
    for (let x = 0; x < width; x++) {
      const left = columns.lows[x]!;
      const value = line[left]! + columns.shares[x]! * (line[left + 1]! - line[left]!);
      if (value >= threshold) data[target + x] = 1;
    }
  }
  return { left: columns.first, top: rows.first, width, height, data };
}

interface Places {
  /** The first pixel that the box can cover. */
  readonly first: number;
  /** For each pixel from there: the cell before its centre, in the grid with a border of one, … */
  readonly lows: Int32Array;
  /** … and how far it is from there to the next. */
  readonly shares: Float64Array;
}

function placesAlong(from: number, to: number, pixels: number, size: number): Places {
  const cell = (to - from) / size;
  // Centres of pixels at most half a cell outside the box lie between the outermost probabilities and the border.
  const first = Math.min(Math.max(Math.ceil(from - cell / 2 - 0.5), 0), pixels);
  const end = Math.max(first, Math.min(Math.floor(to + cell / 2 - 0.5) + 1, pixels));
  const numPixels = cell > 0 ? end - first : 0;
  const lows = new Int32Array(numPixels);
  const shares = new Float64Array(numPixels);
  for (let i = 0; i < numPixels; i++) {
    const place = Math.min(Math.max((first + i + 0.5 - from) / cell + 0.5, 0), size + 1);
    lows[i] = Math.min(Math.floor(place), size);
    shares[i] = place - lows[i]!;
  }
  return { first, lows, shares };
}
