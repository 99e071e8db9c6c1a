import type { Random } from '../contracts/random.js';
import { MaeError } from '../base/errors.js';

/**
 * How the removed patches are chosen (paper, Table 1f and figure 6): uniformly at random; as large rectangular blocks
 * (BEiT's algorithm); or so that the visible patches form a regular grid.
 */
export type MaskStrategy = 'random' | 'block' | 'grid';

export const MASK_STRATEGIES: readonly MaskStrategy[] = ['random', 'block', 'grid'];

/**
 * How many patches stay visible: `floor(L · (1 − maskRatio))`, as the official `random_masking`.
 *
 * @throws MaeError `CONFIG_INVALID` where no patch would stay visible
 */
export function countVisible(numPatches: number, maskRatio: number): number {
  const visible = Math.floor(numPatches * (1 - maskRatio));
  if (!(maskRatio >= 0 && maskRatio < 1) || visible < 1) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`maskRatio\` (=${maskRatio}) leaves ${Number.isNaN(visible) ? 'an unknown number' : visible} of ${numPatches} patches visible`,
      fix: `give a ratio from 0 to ${(1 - 1 / numPatches).toFixed(3)}`,
    });
  }
  return visible;
}

/**
 * The patches of one picture in the order that an ascending sort of `noise` gives (`ids_shuffle` of the official
 * code): the first {@link countVisible} stay visible, the rest are removed.
 */
export function shuffleByNoise(noise: Float32Array): Int32Array {
  const order = Int32Array.from({ length: noise.length }, (_, index) => index);
  return order.sort((a, b) => noise[a]! - noise[b]! || a - b);
}

/** A patch order drawn by a strategy; the first {@link countVisible} entries are the visible patches. */
export function drawPatchOrder(
  strategy: MaskStrategy,
  grid: { readonly height: number; readonly width: number },
  maskRatio: number,
  random: Random,
): Int32Array {
  const numPatches = grid.height * grid.width;
  const numVisible = countVisible(numPatches, maskRatio);
  switch (strategy) {
    case 'random':
      return shuffleByNoise(Float32Array.from({ length: numPatches }, () => random.uniform()));
    case 'block':
      return visibleFirst(drawBlockMask(grid.height, grid.width, numPatches - numVisible, random));
    case 'grid':
      return gridOrder(grid.height, grid.width, random);
  }
}

/**
 * Block-wise masking (Bao et al. 2022, Algorithm 1): rectangles of at least 16 patches and an aspect ratio of
 * 0.3 to 1/0.3 are removed until exactly `numRemoved` patches are gone; the last block is cut short.
 *
 * @returns `[height · width]`, 1 = removed
 */
function drawBlockMask(height: number, width: number, numRemoved: number, random: Random): Uint8Array {
  const mask = new Uint8Array(height * width);
  const [smallest, lowestRatio] = [16, 0.3];
  let removed = 0;
  while (removed < numRemoved) {
    const area = smallest + random.uniform() * Math.max(numRemoved - removed - smallest, 0);
    const ratio = Math.exp((2 * random.uniform() - 1) * -Math.log(lowestRatio));
    const blockHeight = clamp(Math.round(Math.sqrt(area * ratio)), 1, height);
    const blockWidth = clamp(Math.round(Math.sqrt(area / ratio)), 1, width);
    const top = random.integer(height - blockHeight + 1);
    const left = random.integer(width - blockWidth + 1);
    for (let y = top; y < top + blockHeight; y++) {
      for (let x = left; x < left + blockWidth && removed < numRemoved; x++) {
        const patch = y * width + x;
        if (mask[patch] === 0) {
          mask[patch] = 1;
          removed++;
        }
      }
    }
  }
  return mask;
}

/**
 * Patches ordered by an ordered-dither matrix, so that any number of them taken from the front is spread evenly. A
 * quarter is exactly one patch of every 2×2, the paper's grid-wise sampling.
 */
function gridOrder(height: number, width: number, random: Random): Int32Array {
  const levels = Math.max(1, Math.ceil(Math.log2(Math.max(height, width))));
  const [shiftY, shiftX] = [random.integer(2 ** levels), random.integer(2 ** levels)];
  const rank = Float64Array.from({ length: height * width }, (_, patch) =>
    ditherRank(Math.floor(patch / width) + shiftY, (patch % width) + shiftX, levels),
  );
  const order = Int32Array.from({ length: height * width }, (_, index) => index);
  return order.sort((a, b) => rank[a]! - rank[b]! || a - b);
}

/** The rank of a cell in Bayer's recursive threshold matrix of side 2^levels. */
function ditherRank(y: number, x: number, levels: number): number {
  let rank = 0;
  for (let level = 0; level < levels; level++) {
    const [bitY, bitX] = [(y >> level) & 1, (x >> level) & 1];
    rank = rank * 4 + ((bitX ^ bitY) * 2 + bitY);
  }
  return rank;
}

function visibleFirst(mask: Uint8Array): Int32Array {
  const order = Int32Array.from({ length: mask.length }, (_, index) => index);
  return order.sort((a, b) => mask[a]! - mask[b]! || a - b);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
