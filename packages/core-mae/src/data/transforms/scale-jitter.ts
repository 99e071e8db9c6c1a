import type { Filter, Geometry, GeometryTransform, Scene } from '../../contracts/transform.js';

export interface ScaleJitterOptions {
  /** `[height, width]` of the result, or a square's side, in pixels. */
  readonly size: number | readonly [number, number];
  /** Scale relative to the one that fits the picture into `size`. Default [0.1, 2] (Ghiasi et al. 2021, §3). */
  readonly scale?: readonly [number, number];
  /** Value of the padding on the right and below, by channel, 0–255. Default 128 for every channel. */
  readonly fill?: readonly number[];
  /** Whether a smaller picture is padded; false leaves it smaller. Default true. */
  readonly pad?: boolean;
  /** Default `bilinear`. */
  readonly filter?: Filter;
}

/**
 * Large-scale jitter: the picture resized by a random factor, a random box of the fixed size cut out where it is larger,
 * and padded on the right and below where it is smaller, unless `pad` is false (detectron2, `ResizeScale` and
 * `FixedSizeCrop`).
 */
export function scaleJitter({
  size,
  scale = [0.1, 2],
  fill = [128, 128, 128],
  pad = true,
  filter = 'bilinear',
}: ScaleJitterOptions): GeometryTransform {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  return {
    filter,
    plan(scene, random) {
      const factor = scale[0] + (scale[1] - scale[0]) * random.uniform();
      const frame = fixedFrame(scene, factor, width, height, fill, random.uniform(), random.uniform());
      return pad ? frame : withoutCanvas(frame);
    },
  };
}

export interface ResizeAndPadOptions {
  /** `[height, width]` of the result, or a square's side, in pixels. */
  readonly size: number | readonly [number, number];
  /** As `scaleJitter`'s. Default 128 for every channel. */
  readonly fill?: readonly number[];
  /** Default `bilinear`. */
  readonly filter?: Filter;
}

/** The whole picture, its shape kept, as large as fits into a fixed size, padded on the right and below. */
export function resizeAndPad({
  size,
  fill = [128, 128, 128],
  filter = 'bilinear',
}: ResizeAndPadOptions): GeometryTransform {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  return { filter, fixed: true, plan: (scene) => fixedFrame(scene, 1, width, height, fill, 0, 0) };
}

export interface ResizeToFitOptions {
  /** `[height, width]` that the result does not exceed, or a square's side, in pixels. */
  readonly size: number | readonly [number, number];
  /** Default `bilinear`. */
  readonly filter?: Filter;
}

/** The whole picture, its shape kept, as large as fits into a size; not padded. */
export function resizeToFit({ size, filter = 'bilinear' }: ResizeToFitOptions): GeometryTransform {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  return { filter, fixed: true, plan: (scene) => withoutCanvas(fixedFrame(scene, 1, width, height, [], 0, 0)) };
}

function withoutCanvas({ box, width, height }: Geometry): Geometry {
  return { box, width, height };
}

/** @param offsetX, offsetY where the box is cut out, as shares of the room there is, 0–1 */
function fixedFrame(
  scene: Scene,
  factor: number,
  width: number,
  height: number,
  fill: readonly number[],
  offsetX: number,
  offsetY: number,
): Geometry {
  const scale = factor * Math.min(height / scene.height, width / scene.width);
  const scaledWidth = Math.max(1, Math.round(scene.width * scale));
  const scaledHeight = Math.max(1, Math.round(scene.height * scale));
  const keptWidth = Math.min(width, scaledWidth);
  const keptHeight = Math.min(height, scaledHeight);
  const left = Math.floor(offsetX * (scaledWidth - keptWidth + 1));
  const top = Math.floor(offsetY * (scaledHeight - keptHeight + 1));
  const stepX = scene.width / scaledWidth;
  const stepY = scene.height / scaledHeight;
  return {
    box: [
      left * stepX,
      top * stepY,
      Math.min(scene.width, (left + keptWidth) * stepX),
      Math.min(scene.height, (top + keptHeight) * stepY),
    ],
    width: keptWidth,
    height: keptHeight,
    ...(keptWidth < width || keptHeight < height ? { canvas: { width, height, fill } } : {}),
  };
}

export interface ResizeEdgesOptions {
  /** Lengths in pixels for the shorter side, of which one is drawn. */
  readonly shorter: number | readonly number[];
  /** The longer side is not made longer than this. Default no limit. */
  readonly longest?: number;
  /** Default `bilinear`. */
  readonly filter?: Filter;
}

/** The whole picture resized by its shorter side, within a limit for its longer one (detectron2, `ResizeShortestEdge`). */
export function resizeEdges({
  shorter,
  longest = Infinity,
  filter = 'bilinear',
}: ResizeEdgesOptions): GeometryTransform {
  const lengths = typeof shorter === 'number' ? [shorter] : shorter;
  return {
    filter,
    plan({ width, height }, random) {
      const length = lengths[random.integer(lengths.length)]!;
      const scale = Math.min(length / Math.min(width, height), longest / Math.max(width, height));
      return {
        box: [0, 0, width, height],
        width: Math.max(1, Math.round(width * scale)),
        height: Math.max(1, Math.round(height * scale)),
      };
    },
  };
}

export interface ResizeLongerSideOptions {
  /** Pixels of the longer side afterwards. */
  readonly size: number;
  /** Default `bilinear`. */
  readonly filter?: Filter;
}

/** The whole picture resized so that its longer side has `size` pixels. */
export function resizeLongerSide({ size, filter = 'bilinear' }: ResizeLongerSideOptions): GeometryTransform {
  return resizeEdges({ shorter: Number.MAX_SAFE_INTEGER, longest: size, filter });
}
