import type { CompositionTransform } from '../../contracts/transform.js';
import type { Sample } from '../../contracts/dataset.js';
import {
  boxOfRegion,
  type Instances,
  joinInstances,
  type MaskRegion,
  selectInstances,
} from '../targets/instance-target.js';
import { levelsOf } from './mosaic.js';

export interface CopyPasteOptions {
  /** Chance that a picture gets objects of another. Default 0.5. */
  readonly probability?: number;
  /** Chance of each of its objects to be copied. Default 0.5. */
  readonly share?: number;
  /** Share of the training from which on nothing is copied. Default 1. */
  readonly until?: number;
  /** Share of an object that must stay visible under those that are laid on it, else it is left out. Default 0.3. */
  readonly minVisible?: number;
}

/** An object cut out of its picture, at its new place. */
interface Cutting {
  readonly mask: MaskRegion;
  readonly index: number;
  /** How far it moved from its own picture, in pixels. */
  readonly dx: number;
  readonly dy: number;
}

/**
 * Some objects of another picture laid on this one, each at a random place where it fits (Ghiasi et al. 2021, "Simple
 * Copy-Paste"). Only objects with masks can be copied; the masks and boxes of those below shrink to what is seen.
 */
export function copyPaste({
  probability = 0.5,
  share = 0.5,
  until = 1,
  minVisible = 0.3,
}: CopyPasteOptions = {}): CompositionTransform<Instances> {
  return {
    numPartners: 1,
    async compose(sample, { random, progress, partner }) {
      if (random.uniform() >= probability || progress >= until) return sample;
      const other = await partner(0);
      const cuttings = other.target.masks.flatMap((mask, index): Cutting[] => {
        if (mask === undefined || other.target.crowds[index] === 1 || random.uniform() >= share) return [];
        const [roomX, roomY] = [sample.width - mask.width, sample.height - mask.height];
        if (roomX < 0 || roomY < 0) return [];
        const [left, top] = [random.integer(roomX + 1), random.integer(roomY + 1)];
        return [{ mask: { ...mask, left, top }, index, dx: left - mask.left, dy: top - mask.top }];
      });
      return cuttings.length === 0 ? sample : pasted(sample, other, cuttings, minVisible);
    },
  };
}

function pasted(
  sample: Sample<Instances>,
  other: Sample<Instances>,
  cuttings: readonly Cutting[],
  minVisible: number,
): Sample<Instances> {
  const { width, channels } = sample;
  const pixels = levelsOf(sample).slice();
  const source = levelsOf(other);
  const covered = new Uint8Array(width * sample.height);
  // The last one laid is on top: what a later one covers is taken from the masks of those before.
  const laid: Instances[] = [];
  const below = (instances: Instances): Instances => uncovered(instances, covered, width, minVisible);
  for (const { mask, index, dx, dy } of [...cuttings].reverse()) {
    const box = Float32Array.from(boxOfRegion(mask));
    const moved = { ...selectInstances(other.target, [index]), boxes: box, masks: [mask] };
    laid.push(below(moved));
    forEachPixel(mask, (x, y) => {
      const at = y * width + x;
      if (covered[at] === 1) return;
      covered[at] = 1;
      const from = ((y - dy) * other.width + (x - dx)) * channels;
      for (let channel = 0; channel < channels; channel++) pixels[at * channels + channel] = source[from + channel]!;
    });
  }
  return { ...sample, pixels, target: joinInstances([below(sample.target), ...laid]) };
}

/** The objects without what is covered; those of which too little is left, by their box where they have no mask, left out. */
function uncovered(instances: Instances, covered: Uint8Array, width: number, minVisible: number): Instances {
  const kept: number[] = [];
  const masks: Array<MaskRegion | undefined> = [];
  const boxes: number[] = [];
  instances.masks.forEach((mask, i) => {
    const own = instances.boxes.subarray(4 * i, 4 * i + 4);
    const area = mask ?? filledBox(own, width, covered.length / width);
    const rest = new Uint8Array(area.data.length);
    let [before, left] = [0, 0];
    forEachPixel(area, (x, y) => {
      before++;
      if (covered[y * width + x] === 1) return;
      left++;
      rest[(y - area.top) * area.width + x - area.left] = 1;
    });
    if (left === 0 || left < minVisible * before) return;
    kept.push(i);
    const seen = mask === undefined || left === before ? mask : tightened({ ...mask, data: rest });
    masks.push(seen);
    boxes.push(...(seen === undefined || seen === mask ? own : boxOfRegion(seen)));
  });
  return { ...selectInstances(instances, kept), masks, boxes: Float32Array.from(boxes) };
}

function filledBox([x0, y0, x1, y1]: Float32Array, width: number, height: number): MaskRegion {
  const [left, top] = [Math.max(0, Math.floor(x0!)), Math.max(0, Math.floor(y0!))];
  const size = { width: Math.min(width, Math.ceil(x1!)) - left, height: Math.min(height, Math.ceil(y1!)) - top };
  return { left, top, ...size, data: new Uint8Array(size.width * size.height).fill(1) };
}

/** The mask cut to its tight box. */
function tightened(mask: MaskRegion): MaskRegion {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  forEachPixel(mask, (x, y) => {
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  });
  const [width, height] = [right - left, bottom - top];
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (top - mask.top + y) * mask.width + left - mask.left;
    data.set(mask.data.subarray(from, from + width), y * width);
  }
  return { left, top, width, height, data };
}

/** Calls with the picture's coordinates of the mask's pixels. */
function forEachPixel({ left, top, width, height, data }: MaskRegion, visit: (x: number, y: number) => void): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (data[y * width + x] === 1) visit(left + x, top + y);
  }
}
