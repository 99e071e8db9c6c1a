import type { ByteImage, PixelOperation } from './pixel-operations.js';

/** Where an output pixel's centre (x, y) is read: `(a·x + b·y + c, d·x + e·y + f)`. */
type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Pillow's `Image.rotate`: counter-clockwise about the middle, the size kept. */
export function rotate(degrees: number, fill: readonly number[]): PixelOperation {
  return (image) => {
    const angle = (-degrees * Math.PI) / 180;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const [x, y] = [image.width / 2, image.height / 2];
    const matrix: Matrix = [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y];
    return transformed(image, matrix, fill);
  };
}

export function shearX(factor: number, fill: readonly number[]): PixelOperation {
  return (image) => transformed(image, [1, factor, 0, 0, 1, 0], fill);
}

export function shearY(factor: number, fill: readonly number[]): PixelOperation {
  return (image) => transformed(image, [1, 0, 0, factor, 1, 0], fill);
}

/** @param share of the picture's width */
export function translateX(share: number, fill: readonly number[]): PixelOperation {
  return (image) => transformed(image, [1, 0, share * image.width, 0, 1, 0], fill);
}

/** @param share of the picture's height */
export function translateY(share: number, fill: readonly number[]): PixelOperation {
  return (image) => transformed(image, [1, 0, 0, 0, 1, share * image.height], fill);
}

/** Pillow's affine transform with its bicubic filter (Geometry.c: the cubic of slope −1, borders repeated). */
function transformed(image: ByteImage, [a, b, c, d, e, f]: Matrix, fill: readonly number[]): Uint8Array {
  const { pixels, width, height, channels } = image;
  const result = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sourceX = a * (x + 0.5) + b * (y + 0.5) + c;
      const sourceY = d * (x + 0.5) + e * (y + 0.5) + f;
      const at = (y * width + x) * channels;
      const inside = sourceX >= 0 && sourceX < width && sourceY >= 0 && sourceY < height;
      if (inside) sample(image, sourceX - 0.5, sourceY - 0.5, result, at);
      else for (let channel = 0; channel < channels; channel++) result[at + channel] = fill[channel] ?? 0;
    }
  }
  return result;
}

function sample(
  { pixels, width, height, channels }: ByteImage,
  x: number,
  y: number,
  into: Uint8Array,
  at: number,
): void {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const clamp = (value: number, size: number): number => Math.min(size - 1, Math.max(0, value));
  const column = (offset: number): number => clamp(left + offset, width) * channels;
  const [c0, c1, c2, c3] = [column(-1), column(0), column(1), column(2)];
  const rowAt = (offset: number): number => clamp(top + offset, height) * width * channels;
  const rows = [rowAt(-1), rowAt(0), rowAt(1), rowAt(2)];
  for (let channel = 0; channel < channels; channel++) {
    const [v0, v1, v2, v3] = rows.map((row) => {
      const start = row + channel;
      return cubic(pixels[start + c0]!, pixels[start + c1]!, pixels[start + c2]!, pixels[start + c3]!, x - left);
    });
    const value = cubic(v0!, v1!, v2!, v3!, y - top);
    into[at + channel] = Math.trunc(Math.min(255, Math.max(0, value)));
  }
}

function cubic(v1: number, v2: number, v3: number, v4: number, d: number): number {
  const [p2, p3, p4] = [v3 - v1, 2 * (v1 - v2) + v3 - v4, v2 - v1 + v4 - v3];
  return v2 + d * (p2 + d * (p3 + d * p4));
}
