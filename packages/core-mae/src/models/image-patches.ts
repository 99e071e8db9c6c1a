import type { VitConfig } from '../contracts/backbone.js';
import { patchGrid } from './vit-config.js';

/**
 * The picture of a patch matrix: `[L, p·p·C]` → `[H, W, C]` (official `unpatchify`, for one picture).
 */
export function unpatchify(patches: Float32Array, config: VitConfig): Float32Array {
  const image = new Float32Array(patches.length);
  for (const { inPatches, inImage, length } of patchRows(config)) {
    image.set(patches.subarray(inPatches, inPatches + length), inImage);
  }
  return image;
}

/** The patches of one picture: `[H, W, C]` → `[L, p·p·C]`; the inverse of {@link unpatchify}. */
export function cutPatches(image: Float32Array, config: VitConfig): Float32Array {
  const patches = new Float32Array(image.length);
  for (const { inPatches, inImage, length } of patchRows(config)) {
    patches.set(image.subarray(inImage, inImage + length), inPatches);
  }
  return patches;
}

/** Where each row of pixels of each patch begins in the patch matrix and in the picture. */
function* patchRows(config: VitConfig): Generator<{ inPatches: number; inImage: number; length: number }> {
  const { patchSize, inChannels } = config;
  const { height, width, patchValues } = patchGrid(config);
  const length = patchSize * inChannels;
  for (let patch = 0; patch < height * width; patch++) {
    const [patchRow, patchColumn] = [Math.floor(patch / width), patch % width];
    for (let y = 0; y < patchSize; y++) {
      const inImage = ((patchRow * patchSize + y) * width + patchColumn) * length;
      yield { inPatches: patch * patchValues + y * length, inImage, length };
    }
  }
}
