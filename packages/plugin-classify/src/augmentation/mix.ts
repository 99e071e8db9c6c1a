import type { Random } from '@mae-tasks/core-mae/task';
import { drawBeta } from './beta.js';

export interface MixOptions {
  /** Parameters of the Beta distributions; 0 is off. */
  readonly mixup: number;
  readonly cutmix: number;
  readonly mixProbability: number;
  readonly switchProbability: number;
}

export interface MixedBatch {
  /** `[B, H, W, C]` */
  readonly images: Float32Array;
  /** `[B, K]` */
  readonly targets: Float32Array;
}

/**
 * Mixes each picture and target of a batch with those of the picture at the same place from the end, in place, all by
 * one share (timm's `Mixup` in batch mode). Mixup adds the pictures; cutmix pastes a box.
 */
export function mixBatch(
  { images, targets }: MixedBatch,
  { height, width, channels }: { readonly height: number; readonly width: number; readonly channels: number },
  options: MixOptions,
  random: Random,
): void {
  const { mixup, cutmix, mixProbability, switchProbability } = options;
  if ((mixup === 0 && cutmix === 0) || random.uniform() >= mixProbability) return;
  const paste = cutmix > 0 && (mixup === 0 || random.uniform() < switchProbability);
  const batchSize = images.length / (height * width * channels);
  const drawn = drawBeta(paste ? cutmix : mixup, random);
  if (!paste) {
    blendFromEnd(images, batchSize, drawn);
    blendFromEnd(targets, batchSize, drawn);
    return;
  }
  const box = drawBox(drawn, height, width, random);
  swapFromEnd(images, batchSize, box, width * channels, channels);
  // A box that was cut off at the border covers less than was drawn.
  const covered = ((box.bottom - box.top) * (box.right - box.left)) / (height * width);
  blendFromEnd(targets, batchSize, 1 - covered);
}

interface PastedBox {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** A box of the share `1 − kept` around a uniform centre, cut off at the picture's border (timm's `rand_bbox`). */
function drawBox(kept: number, height: number, width: number, random: Random): PastedBox {
  const side = Math.sqrt(1 - kept);
  const [halfHeight, halfWidth] = [Math.trunc(height * side) >> 1, Math.trunc(width * side) >> 1];
  const [y, x] = [random.integer(height), random.integer(width)];
  return {
    top: Math.max(0, y - halfHeight),
    left: Math.max(0, x - halfWidth),
    bottom: Math.min(height, y + halfHeight),
    right: Math.min(width, x + halfWidth),
  };
}

/** `x[b] · kept + x[B − 1 − b] · (1 − kept)` for every entry `b` of the first axis. */
function blendFromEnd(values: Float32Array, batchSize: number, kept: number): void {
  const size = values.length / batchSize;
  for (let first = 0, last = batchSize - 1; first < last; first++, last--) {
    for (let i = 0; i < size; i++) {
      const [a, b] = [values[first * size + i]!, values[last * size + i]!];
      values[first * size + i] = a * kept + b * (1 - kept);
      values[last * size + i] = b * kept + a * (1 - kept);
    }
  }
}

function swapFromEnd(
  images: Float32Array,
  batchSize: number,
  { top, left, bottom, right }: PastedBox,
  rowLength: number,
  channels: number,
): void {
  const size = images.length / batchSize;
  for (let first = 0, last = batchSize - 1; first < last; first++, last--) {
    for (let y = top; y < bottom; y++) {
      const [start, end] = [y * rowLength + left * channels, y * rowLength + right * channels];
      const kept = images.slice(first * size + start, first * size + end);
      images.copyWithin(first * size + start, last * size + start, last * size + end);
      images.set(kept, last * size + start);
    }
  }
}
