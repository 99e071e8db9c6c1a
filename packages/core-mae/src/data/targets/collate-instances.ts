import type { Sample } from '../../contracts/dataset.js';
import type { Batch } from '../../contracts/tensor.js';
import { MaeError } from '../../base/errors.js';
import type { Instances, MaskRegion } from './instance-target.js';

export interface CollateInstancesOptions {
  /** M: places for objects in each picture. */
  readonly maxInstances: number;
  /** Whether masks are written out, `[B, M, H, W]`, which takes much memory. Default false. */
  readonly masks?: boolean;
}

/** A batch of fixed shape, and how many objects found no place in it. */
export interface CollatedInstances {
  readonly batch: Batch;
  /** Objects left out because their picture has more than M; the smallest are. */
  readonly numLeftOut: number;
}

/**
 * Samples of one size as a batch of fixed shape: `pixels` `[B, H, W, C]` float32, `boxes` `[B, M, 4]` float32
 * (`[x0, y0, x1, y1]` in pixels), `classes` `[B, M]` int32, `crowds` and `valid` `[B, M]` bool, `imageSizes` `[B, 2]`
 * int32 (original height and width), and with `masks` also `masks` `[B, M, H, W]` bool. Places without an object are 0.
 *
 * @throws MaeError `SHAPE_MISMATCH` for pictures of several sizes
 */
export function collateInstances(
  samples: ReadonlyArray<Sample<Instances>>,
  { maxInstances: M, masks = false }: CollateInstancesOptions,
): CollatedInstances {
  const { width: W, height: H, channels: C } = commonSize(samples);
  const B = samples.length;
  const pixels = new Float32Array(B * H * W * C);
  const boxes = new Float32Array(B * M * 4);
  const classes = new Int32Array(B * M);
  const crowds = new Uint8Array(B * M);
  const valid = new Uint8Array(B * M);
  const imageSizes = new Int32Array(B * 2);
  const drawn = new Uint8Array(masks ? B * M * H * W : 0);
  let numLeftOut = 0;
  samples.forEach((sample, b) => {
    pixels.set(sample.pixels, b * H * W * C);
    imageSizes.set([sample.originalHeight, sample.originalWidth], 2 * b);
    const { target } = sample;
    const kept = largestFirst(target, M);
    numLeftOut += target.classes.length - kept.length;
    kept.forEach((i, place) => {
      const at = b * M + place;
      boxes.set(target.boxes.subarray(4 * i, 4 * i + 4), 4 * at);
      classes[at] = target.classes[i]!;
      crowds[at] = target.crowds[i]!;
      valid[at] = 1;
      const mask = target.masks[i];
      if (masks && mask !== undefined) pasteMask(drawn.subarray(at * H * W, (at + 1) * H * W), W, mask);
    });
  });
  const batch: Batch = {
    pixels: { shape: [B, H, W, C], dtype: 'float32', data: pixels },
    boxes: { shape: [B, M, 4], dtype: 'float32', data: boxes },
    classes: { shape: [B, M], dtype: 'int32', data: classes },
    crowds: { shape: [B, M], dtype: 'bool', data: crowds },
    valid: { shape: [B, M], dtype: 'bool', data: valid },
    imageSizes: { shape: [B, 2], dtype: 'int32', data: imageSizes },
    ...(masks ? { masks: { shape: [B, M, H, W], dtype: 'bool' as const, data: drawn } } : {}),
  };
  return { batch, numLeftOut };
}

/** Writes a mask into a picture of zeros, `[H, W]`. */
export function pasteMask(picture: Uint8Array, width: number, mask: MaskRegion): void {
  for (let y = 0; y < mask.height; y++) {
    picture.set(mask.data.subarray(y * mask.width, (y + 1) * mask.width), (mask.top + y) * width + mask.left);
  }
}

/** All positions in order; where there are more than `limit`, those of the largest boxes, in order. */
function largestFirst({ boxes, classes }: Instances, limit: number): number[] {
  const all = [...classes.keys()];
  if (all.length <= limit) return all;
  const area = (i: number): number => (boxes[4 * i + 2]! - boxes[4 * i]!) * (boxes[4 * i + 3]! - boxes[4 * i + 1]!);
  return all
    .sort((a, b) => area(b) - area(a))
    .slice(0, limit)
    .sort((a, b) => a - b);
}

function commonSize(samples: readonly Sample[]): { width: number; height: number; channels: number } {
  const [first] = samples;
  if (first === undefined) throw new MaeError('SHAPE_MISMATCH', { what: 'A batch needs at least one sample' });
  const other = samples.find(
    ({ width, height, channels }) => width !== first.width || height !== first.height || channels !== first.channels,
  );
  if (other === undefined) return first;
  throw new MaeError('SHAPE_MISMATCH', {
    what: `a batch holds pictures of one size, not ${first.width} × ${first.height} and ${other.width} × ${other.height}`,
    where: `${first.id}, ${other.id}`,
    fix: 'end the transforms with one that gives a fixed size, such as `scaleJitter` or `resizeAndPad`',
  });
}
