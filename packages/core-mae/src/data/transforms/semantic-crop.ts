import type { Filter, Geometry, GeometryTransform, Size } from '../../contracts/transform.js';
import type { Random } from '../../contracts/random.js';
import type { LabelMap } from '../targets/label-map.js';
import type { TargetSize } from './picture-transforms.js';
import { largest } from '../../base/long-lists.js';

export interface SemanticCropOptions {
  /** `[height, width]` of the result, or a square's side, in pixels. */
  readonly size: TargetSize;
  /** Pixels that a factor of 1 gives the shorter side. Default: the shorter side of `size`. */
  readonly shorter?: number | undefined;
  /** Pixels that a factor of 1 gives the longer side at most. Default: four times `shorter`. */
  readonly longest?: number | undefined;
  /** Lowest and highest factor. Default [0.5, 2]. */
  readonly scale?: readonly [number, number];
  /** A crop where one class has a larger share of the counted pixels is drawn again, ten times. Default 1: never. */
  readonly catMaxRatio?: number;
  /** Label of pixels that do not count. Default 255. */
  readonly ignoreIndex?: number;
  /** Value of the padding on the right and below, by channel, 0–255. Default 128 for every channel. */
  readonly fill?: readonly number[];
  /** Default `bilinear`. */
  readonly filter?: Filter;
}

const MAX_TRIES = 10;

/**
 * The picture resized by a random factor and a random box of a fixed size cut out; where it is smaller it is padded on
 * the right and below (mmsegmentation's `RandomResize` and `RandomCrop` with `cat_max_ratio`, as its ADE20K recipes use
 * them). Targets are index maps.
 */
export function semanticCrop(options: SemanticCropOptions): GeometryTransform<LabelMap | undefined> {
  const { scale = [0.5, 2], catMaxRatio = 1, ignoreIndex = 255, fill = [128, 128, 128], filter = 'bilinear' } = options;
  const [height, width] = typeof options.size === 'number' ? [options.size, options.size] : options.size;
  const shorter = options.shorter ?? Math.min(height, width);
  const longest = options.longest ?? 4 * shorter;
  return {
    filter,
    plan(scene, random) {
      const fitted = Math.min(
        shorter / Math.min(scene.width, scene.height),
        longest / Math.max(scene.width, scene.height),
      );
      const factor = fitted * (scale[0] + (scale[1] - scale[0]) * random.uniform());
      const scaled = {
        width: Math.max(1, Math.round(scene.width * factor)),
        height: Math.max(1, Math.round(scene.height * factor)),
      };
      const crop = { width, height, fill };
      let geometry = drawBox(scene, scaled, crop, random);
      for (let tries = 1; tries < MAX_TRIES && scene.target !== undefined && catMaxRatio < 1; tries++) {
        if (largestShare(scene.target, geometry, ignoreIndex) < catMaxRatio) break;
        geometry = drawBox(scene, scaled, crop, random);
      }
      return geometry;
    },
  };
}

function drawBox(
  scene: Size,
  scaled: Size,
  { width, height, fill }: Size & { readonly fill: readonly number[] },
  random: Random,
): Geometry {
  const kept = { width: Math.min(width, scaled.width), height: Math.min(height, scaled.height) };
  const left = random.integer(scaled.width - kept.width + 1);
  const top = random.integer(scaled.height - kept.height + 1);
  const stepX = scene.width / scaled.width;
  const stepY = scene.height / scaled.height;
  return {
    box: [
      left * stepX,
      top * stepY,
      Math.min(scene.width, (left + kept.width) * stepX),
      Math.min(scene.height, (top + kept.height) * stepY),
    ],
    ...kept,
    ...(kept.width < width || kept.height < height ? { canvas: { width, height, fill } } : {}),
  };
}

/** The largest class's share of the counted pixels within the geometry's box; 1 where there is but one class. */
function largestShare({ labels, width }: LabelMap, { box }: Geometry, ignoreIndex: number): number {
  const counts = new Map<number, number>();
  let total = 0;
  for (let y = Math.floor(box[1]); y < box[3]; y++) {
    for (let x = Math.floor(box[0]); x < box[2]; x++) {
      const label = labels[y * width + x]!;
      if (label === ignoreIndex) continue;
      counts.set(label, (counts.get(label) ?? 0) + 1);
      total++;
    }
  }
  return total === 0 ? 1 : largest(counts.values()) / total;
}
