import type { VitConfig } from '../contracts/backbone.js';
import { MaeError } from '../base/errors.js';

/** Patches along the height and the width. */
export interface PatchGrid {
  readonly height: number;
  readonly width: number;
  /** `height · width`: the paper's L. */
  readonly numPatches: number;
  /** Values in one patch: `patchSize² · inChannels`. */
  readonly patchValues: number;
}

/**
 * The grid of patches of a configuration.
 *
 * @throws MaeError `CONFIG_INVALID` where the picture is not a whole number of patches or the widths do not divide
 */
export function patchGrid(config: VitConfig): PatchGrid {
  const { imageSize, patchSize, inChannels } = config;
  const [height, width] = imageSize.map((side) => {
    if (side % patchSize !== 0 || side <= 0) {
      throw new MaeError('CONFIG_INVALID', {
        what: `\`imageSize\` (=${imageSize.join('×')}) must be divisible by \`patchSize\` (=${patchSize})`,
        fix: `the nearest sizes are ${Math.max(patchSize, side - (side % patchSize))} and ${side - (side % patchSize) + patchSize}`,
      });
    }
    return side / patchSize;
  }) as [number, number];
  return { height, width, numPatches: height * width, patchValues: patchSize * patchSize * inChannels };
}

/**
 * Checks that heads divide the width and that the width holds sine and cosine of both axes.
 *
 * @throws MaeError `CONFIG_INVALID`, naming both keys and their values
 */
export function requireDivisible(widthKey: string, width: number, headsKey: string, numHeads: number): void {
  if (width % numHeads !== 0) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`${widthKey}\` (=${width}) must be divisible by \`${headsKey}\` (=${numHeads})`,
    });
  }
  if (width % 4 !== 0) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`${widthKey}\` (=${width}) must be divisible by 4`,
      fix: 'the fixed positions hold a sine and a cosine of each of two axes',
    });
  }
}
