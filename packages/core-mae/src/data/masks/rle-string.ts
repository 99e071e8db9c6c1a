import { invalidRle, requireMaskSize, requireSum, type Rle } from './rle.js';

/**
 * COCO's text form of runs: each count in groups of five bits, low groups first, +48 to be printable; bit 0x20 says
 * that more groups follow, bit 0x10 of the last is the sign. From the fourth count on, the difference to the count
 * two before is stored (cocoapi, common/maskApi.c, `rleToString`).
 */
const MORE = 0x20;
const SIGN = 0x10;

/** Counts fit in 32 bits, so seven groups are the most a difference can take. */
const MAX_GROUPS = 7;

/** COCO's compressed string of a mask. */
export function rleToString(rle: Rle): string {
  const bytes = rleToBytes(rle);
  return Buffer.from(bytes.buffer, 0, bytes.length).toString('latin1');
}

/** The compressed string's characters as bytes; a view of a larger buffer. */
export function rleToBytes({ counts }: Rle): Uint8Array {
  const bytes = new Uint8Array(counts.length * MAX_GROUPS);
  let length = 0;
  for (let run = 0; run < counts.length; run++) {
    let rest = counts[run]! - (run > 2 ? counts[run - 2]! : 0);
    for (;;) {
      const group = rest & 0x1f;
      // Counts stay below `MAX_MASK_PIXELS`, so their differences fit in 32 bits.
      rest >>= 5;
      const more = (group & SIGN) !== 0 ? rest !== -1 : rest !== 0;
      bytes[length++] = (more ? group | MORE : group) + 48;
      if (!more) break;
    }
  }
  return bytes.subarray(0, length);
}

/** The mask of a compressed string. @throws MaeError `ANNOTATION_INVALID` when it is not one of height · width pixels. */
export function rleFromString(text: string, height: number, width: number): Rle {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 111) throw foreignCharacter(text.charCodeAt(i));
  }
  return rleFromBytes(Buffer.from(text, 'latin1'), 0, text.length, height, width);
}

/**
 * The mask of a compressed string given as bytes `[start, end)`. Time and memory are bounded by the string's length.
 *
 * @throws MaeError `ANNOTATION_INVALID` when it is not one of height · width pixels.
 */
export function rleFromBytes(bytes: Uint8Array, start: number, end: number, height: number, width: number): Rle {
  requireMaskSize(height, width);
  let numCounts = 0;
  for (let i = start; i < end; i++) {
    const group = bytes[i]! - 48;
    if (group < 0 || group > 63) throw foreignCharacter(bytes[i]!);
    if ((group & MORE) === 0) numCounts++;
  }
  const counts = new Uint32Array(numCounts);
  const pixels = height * width;
  let sum = 0;
  let position = start;
  for (let run = 0; run < numCounts; run++) {
    let group = bytes[position++]! - 48;
    let value = group & 0x1f;
    let scale = 32;
    while ((group & MORE) !== 0) {
      group = bytes[position++]! - 48;
      value += (group & 0x1f) * scale;
      scale *= 32;
      if (scale > 2 ** 40) throw invalidRle(`count ${run} is too large`, 'encode the mask again');
    }
    if ((group & SIGN) !== 0) value -= scale;
    if (run > 2) value += counts[run - 2]!;
    sum += value;
    if (value < 0 || sum > pixels) {
      throw invalidRle(
        value < 0 ? `count ${run} is negative (${value})` : `its counts pass the picture's ${pixels} pixels`,
        'encode the mask again at the size of its picture',
      );
    }
    counts[run] = value;
  }
  if (position !== end) throw invalidRle('the string ends inside a count', 'the string was cut off');
  requireSum(sum, height, width);
  return { height, width, counts };
}

function foreignCharacter(code: number): Error {
  return invalidRle(`character code ${code} does not occur in RLE strings`, 'codes are 48 ("0") to 111 ("o")');
}
