import type { Sample } from '@mae-tasks/core-mae/task';

/** A sample before normalisation. */
export interface ByteImage {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Pixels after an operation of Pillow, `[H, W, C]`. */
export type PixelOperation = (image: ByteImage) => Uint8Array;

/** @throws TypeError for pixels that are normalised already */
export function byteImageOf({ pixels, width, height, channels }: Sample): ByteImage {
  if (pixels instanceof Uint8Array) return { pixels, width, height, channels };
  throw new TypeError('RandAugment works on 0–255: put `normalize` after it.');
}

/** `ImageOps.invert` */
export const invert: PixelOperation = ({ pixels }) => pixels.map((value) => 255 - value);

/** `ImageOps.posterize`: the highest bits are kept. */
export function posterize(bits: number): PixelOperation {
  const mask = 256 - 2 ** (8 - bits);
  return ({ pixels }) => pixels.map((value) => value & mask);
}

/** `ImageOps.solarize`: values from the threshold on are inverted. */
export function solarize(threshold: number): PixelOperation {
  return ({ pixels }) => pixels.map((value) => (value < threshold ? value : 255 - value));
}

/** timm's `SolarizeAdd`: values below 128 are raised. */
export function solarizeAdd(amount: number): PixelOperation {
  return ({ pixels }) => pixels.map((value) => (value < 128 ? Math.min(255, value + amount) : value));
}

/** `ImageOps.autocontrast`: each channel stretched from its darkest to its brightest value. */
export const autoContrast: PixelOperation = (image) =>
  perChannel(image, (histogram) => {
    const low = histogram.findIndex((count) => count > 0);
    const high = histogram.findLastIndex((count) => count > 0);
    if (high <= low) return undefined;
    const scale = 255 / (high - low);
    return (value) => Math.min(255, Math.max(0, Math.trunc(value * scale - low * scale)));
  });

/** `ImageOps.equalize`: each channel's histogram made flat. */
export const equalize: PixelOperation = (image) =>
  perChannel(image, (histogram) => {
    const counts = histogram.filter((count) => count > 0);
    const step = Math.floor((counts.reduce((sum, count) => sum + count, 0) - counts.at(-1)!) / 255);
    if (counts.length <= 1 || step === 0) return undefined;
    let sum = Math.floor(step / 2);
    const table = Uint8Array.from(histogram, (count) => {
      const level = Math.min(255, Math.floor(sum / step));
      sum += count;
      return level;
    });
    return (value) => table[value]!;
  });

/** `ImageEnhance.Brightness`: blended with black. */
export function brightness(factor: number): PixelOperation {
  return ({ pixels }) => pixels.map((value) => blend(0, value, factor));
}

/** `ImageEnhance.Contrast`: blended with the picture's mean grey. */
export function contrast(factor: number): PixelOperation {
  return (image) => {
    const grey = greyOf(image);
    const mean = Math.trunc(grey.reduce((sum, value) => sum + value, 0) / grey.length + 0.5);
    return image.pixels.map((value) => blend(mean, value, factor));
  };
}

/** `ImageEnhance.Color`: blended with the grey picture; a picture without three channels has no colour to change. */
export function color(factor: number): PixelOperation {
  return (image) => {
    if (image.channels !== 3) return image.pixels;
    const grey = greyOf(image);
    return image.pixels.map((value, index) => blend(grey[Math.trunc(index / 3)]!, value, factor));
  };
}

/** `ImageEnhance.Sharpness`: blended with the smoothed picture, whose border is left as it is. */
export function sharpness(factor: number): PixelOperation {
  return (image) => {
    const smooth = smoothed(image);
    return image.pixels.map((value, index) => blend(smooth[index]!, value, factor));
  };
}

/** Pillow's `Image.blend` of two values: cut to a byte, not rounded. */
function blend(from: number, to: number, factor: number): number {
  return Math.trunc(Math.min(255, Math.max(0, from + factor * (to - from))));
}

/** Pillow's conversion to `L` (ITU-R 601-2 in 16-bit integers). */
function greyOf({ pixels, channels }: ByteImage): Uint8Array {
  if (channels !== 3) return pixels;
  return Uint8Array.from({ length: pixels.length / 3 }, (_, pixel) => {
    const [r, g, b] = [pixels[3 * pixel]!, pixels[3 * pixel + 1]!, pixels[3 * pixel + 2]!];
    return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
  });
}

/** Pillow's `ImageFilter.SMOOTH`: 3 × 3, the middle counting five times. */
function smoothed({ pixels, width, height, channels }: ByteImage): Uint8Array {
  const result = pixels.slice();
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * row + channels; at < (y + 1) * row - channels; at++) {
      let sum = 4 * pixels[at]!;
      for (let dy = -row; dy <= row; dy += row) {
        for (let dx = -channels; dx <= channels; dx += channels) sum += pixels[at + dy + dx]!;
      }
      result[at] = Math.trunc(sum / 13 + 0.5);
    }
  }
  return result;
}

/** Each channel through a map made from its histogram; undefined leaves the channel as it is. */
function perChannel(
  { pixels, channels }: ByteImage,
  mapOf: (histogram: number[]) => ((value: number) => number) | undefined,
): Uint8Array {
  const result = pixels.slice();
  for (let channel = 0; channel < channels; channel++) {
    const histogram = new Array<number>(256).fill(0);
    for (let at = channel; at < pixels.length; at += channels) histogram[pixels[at]!]!++;
    const map = mapOf(histogram);
    if (map === undefined) continue;
    for (let at = channel; at < pixels.length; at += channels) result[at] = map(pixels[at]!);
  }
  return result;
}
