import type { Random } from '../../contracts/random.js';
import type { Filter, Geometry, GeometryTransform, SampleTransform, Scene, Size } from '../../contracts/transform.js';
import { MaeError } from '../../base/errors.js';
import { identityGeometry } from '../images/resampling/geometry.js';
import { levelNormalizer } from '../images/normalize-levels.js';

/** Per channel, in units of 0–1 (torchvision's constants of ImageNet). */
export const IMAGENET_MEAN: readonly number[] = [0.485, 0.456, 0.406];
export const IMAGENET_STD: readonly number[] = [0.229, 0.224, 0.225];

/** A square's side, or `[height, width]`, in pixels. */
export type TargetSize = number | readonly [number, number];

export interface RandomResizedCropOptions {
  readonly size: TargetSize;
  /** Share of the picture's area, lowest and highest. Default [0.2, 1] (He et al. 2022, §A.1). */
  readonly scale?: readonly [number, number];
  /** Width over height, lowest and highest. Default [3/4, 4/3]. */
  readonly ratio?: readonly [number, number];
  /** Default `bicubic`. */
  readonly filter?: Filter;
}

/**
 * A box of random area and shape, resized: torchvision's `RandomResizedCrop` (ten tries, then the largest box of an
 * allowed shape in the middle).
 */
export function randomResizedCrop(options: RandomResizedCropOptions): GeometryTransform {
  const { scale = [0.2, 1], ratio = [3 / 4, 4 / 3], filter = 'bicubic' } = options;
  const [height, width] = heightAndWidth(options.size);
  return {
    filter,
    plan: (scene, random) => ({ ...chooseBox(scene, scale, ratio, random), width, height }),
  };
}

function chooseBox(
  scene: Size,
  scale: readonly [number, number],
  ratio: readonly [number, number],
  random: Random,
): Pick<Geometry, 'box'> {
  const logRatio = [Math.log(ratio[0]), Math.log(ratio[1])] as const;
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = scene.width * scene.height * between(scale, random.uniform());
    const shape = Math.exp(between(logRatio, random.uniform()));
    const width = roundHalfEven(Math.sqrt(area * shape));
    const height = roundHalfEven(Math.sqrt(area / shape));
    if (width < 1 || height < 1 || width > scene.width || height > scene.height) continue;
    const top = random.integer(scene.height - height + 1);
    const left = random.integer(scene.width - width + 1);
    return { box: [left, top, left + width, top + height] };
  }
  return { box: middleBox(scene, ratio) };
}

function middleBox(scene: Size, ratio: readonly [number, number]): Geometry['box'] {
  const shape = scene.width / scene.height;
  // A very thin picture would leave less than one pixel.
  const width = shape > ratio[1] ? Math.max(1, roundHalfEven(scene.height * ratio[1])) : scene.width;
  const height = shape < ratio[0] ? Math.max(1, roundHalfEven(scene.width / ratio[0])) : scene.height;
  const left = Math.floor((scene.width - width) / 2);
  const top = Math.floor((scene.height - height) / 2);
  return [left, top, left + width, top + height];
}

export interface HorizontalFlipOptions {
  /** Default 0.5. */
  readonly probability?: number;
}

/** The sample mirrored left to right, with a probability. */
export function horizontalFlip({ probability = 0.5 }: HorizontalFlipOptions = {}): GeometryTransform {
  return {
    plan: (scene, random) => (random.uniform() < probability ? { ...identityGeometry(scene), flip: true } : undefined),
  };
}

export interface ResizeShorterSideOptions {
  /** Pixels of the shorter side afterwards. */
  readonly size: number;
  /** Default `bicubic`. */
  readonly filter?: Filter;
}

/** The whole picture resized so that its shorter side has `size` pixels; the longer is cut to a whole number. */
export function resizeShorterSide({ size, filter = 'bicubic' }: ResizeShorterSideOptions): GeometryTransform {
  return {
    filter,
    plan: ({ width, height }) => ({
      box: [0, 0, width, height],
      width: width <= height ? size : Math.trunc((size * width) / height),
      height: height <= width ? size : Math.trunc((size * height) / width),
    }),
  };
}

export interface ResizeToOptions {
  readonly size: TargetSize;
  /** Default `bicubic`. */
  readonly filter?: Filter;
}

/** The whole picture resized to a size, its shape not kept. */
export function resizeTo({ size, filter = 'bicubic' }: ResizeToOptions): GeometryTransform {
  const [height, width] = heightAndWidth(size);
  return { filter, plan: (scene) => ({ box: [0, 0, scene.width, scene.height], width, height }) };
}

export interface CenterCropOptions {
  readonly size: TargetSize;
}

/** The middle of the picture; a smaller picture gets black margins, as torchvision's `CenterCrop` gives it. */
export function centerCrop({ size }: CenterCropOptions): GeometryTransform {
  const [height, width] = heightAndWidth(size);
  return { plan: (scene) => planCenterCrop(scene, width, height) };
}

function planCenterCrop(scene: Scene, width: number, height: number): Geometry {
  const kept = { width: Math.min(width, scene.width), height: Math.min(height, scene.height) };
  const left = roundHalfEven((scene.width - kept.width) / 2);
  const top = roundHalfEven((scene.height - kept.height) / 2);
  const geometry: Geometry = { box: [left, top, left + kept.width, top + kept.height], ...kept };
  if (kept.width === width && kept.height === height) return geometry;
  const canvas = {
    width,
    height,
    left: Math.floor((width - kept.width) / 2),
    top: Math.floor((height - kept.height) / 2),
  };
  return { ...geometry, canvas };
}

export interface NormalizeOptions {
  /** Per channel, in units of 0–1. Default ImageNet's. */
  readonly mean?: readonly number[];
  /** Per channel, in units of 0–1. Default ImageNet's. */
  readonly std?: readonly number[];
}

/** The pixels as float32 `(value / 255 − mean) / std`, `[H, W, C]`. */
export function normalize({ mean = IMAGENET_MEAN, std = IMAGENET_STD }: NormalizeOptions = {}): SampleTransform {
  if (mean.length !== std.length) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`mean\` has ${mean.length} values and \`std\` ${std.length}`,
      where: 'transform normalize',
      fix: 'give both one value per channel',
    });
  }
  const normalized = levelNormalizer(mean, std);
  return (sample, _random, allocate) => {
    if (sample.pixels instanceof Float32Array) {
      throw new MaeError('CONFIG_INVALID', {
        what: 'the pixels are floating-point already',
        where: 'transform normalize',
        fix: 'name it once, after the transforms that work on 0–255',
      });
    }
    if (sample.channels !== mean.length) {
      throw new MaeError('CONFIG_INVALID', {
        what: `\`mean\` and \`std\` have ${mean.length} values, the picture ${sample.channels} channels`,
        where: 'transform normalize',
        fix: 'give both one value per channel',
      });
    }
    return { ...sample, pixels: normalized(sample.pixels, allocate) };
  };
}

function heightAndWidth(size: TargetSize): readonly [number, number] {
  return typeof size === 'number' ? [size, size] : size;
}

function between([low, high]: readonly [number, number], share: number): number {
  return low + (high - low) * share;
}

/** As Python's `round`: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
