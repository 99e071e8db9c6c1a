import { MaeError, patchGrid, type VitConfig } from '@mae-tasks/core-mae/task';
import * as tf from '@tensorflow/tfjs';

/**
 * The blocks that a decoder reads, from 0: those of the settings, or the last one, or for a pyramid four of them (3, 5,
 * 7, 11 of 12 and 7, 11, 15, 23 of 24, as mmsegmentation's configurations have it).
 *
 * @throws MaeError `CONFIG_INVALID` for blocks that there are not, or the wrong number of them
 */
export function chooseTaps(taps: readonly number[] | null, { depth }: VitConfig, pyramid: boolean): readonly number[] {
  const chosen = taps ?? (pyramid ? quarters(depth) : [depth - 1]);
  const last = depth - 1;
  if (chosen.some((tap) => tap > last)) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`segment.taps\` (=${chosen.join(', ')}) are not all among the encoder's ${depth} blocks`,
      fix: `blocks are counted from 0 to ${last}`,
    });
  }
  if (pyramid && chosen.length !== 4) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`segment.taps\` (=${chosen.join(', ')}) are ${chosen.length} blocks for the decoder "upernet"`,
      fix: 'name four, from shallow to deep',
    });
  }
  return chosen;
}

function quarters(depth: number): number[] {
  return [depth / 3, depth / 2, (2 * depth) / 3, depth].map((end) => Math.max(0, Math.round(end) - 1));
}

/** Patch tokens as a map of features: `[1 + L, B, D]` → `[B, H/p, W/p, D]`. */
export function tokensToMap(tokens: tf.Tensor3D, vit: VitConfig): tf.Tensor4D {
  const [numTokens, batchSize, width] = tokens.shape;
  const grid = patchGrid(vit);
  const patches = tf.slice(tokens, [1, 0, 0], [numTokens - 1, batchSize, width]);
  return tf.reshape(tf.transpose(patches, [1, 0, 2]), [batchSize, grid.height, grid.width, width]);
}
