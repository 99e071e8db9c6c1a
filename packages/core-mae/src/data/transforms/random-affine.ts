import type { Filter, GeometryTransform } from '../../contracts/transform.js';
import type { TargetSize } from './picture-transforms.js';

export interface RandomAffineOptions {
  /** Of the result. */
  readonly size: TargetSize;
  /** Lowest and highest factor on the picture's size. Default [0.5, 1.5]. */
  readonly scale?: readonly [number, number];
  /** How far the picture's middle may lie from the result's, as a share of the result's sides; at most 0.5. Default 0.1. */
  readonly translate?: number;
  /** Value of what the picture does not cover, by channel, 0–255. Default 128 for every channel. */
  readonly fill?: readonly number[];
  /** Default `bilinear`. */
  readonly filter?: Filter;
}

/**
 * The picture resized by a random factor and moved, its middle near the result's: what lies outside is cut off, what it
 * does not cover filled (the augmentation of YOLO's detectors, without rotation and shear).
 */
export function randomAffine({
  size,
  scale = [0.5, 1.5],
  translate = 0.1,
  fill = [128, 128, 128],
  filter = 'bilinear',
}: RandomAffineOptions): GeometryTransform {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  return {
    filter,
    plan(scene, random) {
      const factor = scale[0] + (scale[1] - scale[0]) * random.uniform();
      const x = alongAxis(scene.width, factor, width, translate * (2 * random.uniform() - 1));
      const y = alongAxis(scene.height, factor, height, translate * (2 * random.uniform() - 1));
      const isCovered = x.length === width && y.length === height;
      return {
        box: [x.from, y.from, x.to, y.to],
        width: x.length,
        height: y.length,
        ...(isCovered ? {} : { canvas: { width, height, left: x.place, top: y.place, fill } }),
      };
    },
  };
}

/**
 * What becomes of one axis: the part of the picture that is kept, the pixels that it gets, and where they begin.
 *
 * @param shift of the middle, as a share of the result
 */
function alongAxis(pixels: number, factor: number, size: number, shift: number) {
  const scaled = Math.max(1, Math.round(pixels * factor));
  const start = Math.round((0.5 + shift) * size - scaled / 2);
  const [first, end] = [Math.max(0, start), Math.min(size, start + scaled)];
  const step = pixels / scaled;
  return {
    from: (first - start) * step,
    to: Math.min(pixels, (end - start) * step),
    length: end - first,
    place: first,
  };
}
