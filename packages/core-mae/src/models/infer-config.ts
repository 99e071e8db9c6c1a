import type { Shape } from '../contracts/tensor.js';
import { MaeError } from '../base/errors.js';
import type { MaeConfig } from './mae-config.js';
import { presets } from './presets.js';

/**
 * The dimensions of a masked autoencoder (or of its encoder alone) from the shapes of its weights. Heads leave no trace
 * in shapes: they are those of the preset with the same widths, or 64 values a head in the encoder and 32 in the
 * decoder, as every published MAE but `huge` has. A detector's tables of relative positions tell the heads, and the size
 * of the pictures that it was trained on.
 *
 * @throws MaeError `CHECKPOINT_MISMATCH` where the weights are not those of a ViT with positions of a square picture
 */
export function inferMaeConfig(shapes: ReadonlyMap<string, Shape>, where: string): MaeConfig {
  const shapeOf = (name: string, rank: number): Shape => {
    const shape = shapes.get(name);
    if (shape?.length === rank) return shape;
    throw new MaeError('CHECKPOINT_MISMATCH', {
      what: shape === undefined ? `there is no tensor \`${name}\`` : `\`${name}\` has shape [${shape.join(', ')}]`,
      where,
      fix: 'give a checkpoint of a masked autoencoder or of its encoder',
    });
  };
  const [embedDim, inChannels, patchSize] = shapeOf('patch_embed.proj.weight', 4) as [number, number, number, number];
  const numPatches = shapeOf('pos_embed', 3)[1]! - 1;
  const side = Math.sqrt(numPatches);
  if (!Number.isInteger(side)) {
    throw new MaeError('CHECKPOINT_MISMATCH', {
      what: `\`pos_embed\` has ${numPatches} positions, which is not a square grid`,
      where,
      fix: 'set `model.imageSize` to the size that the checkpoint was made with',
    });
  }
  const hidden = shapeOf('blocks.0.mlp.fc1.weight', 2)[0]!;
  const decoderEmbedDim = shapes.get('decoder_embed.weight')?.[0];
  const known = Object.values(presets).find((preset) => preset.embedDim === embedDim) ?? presets.base;
  const depth = countBlocks(shapes, 'blocks.');
  const relative = relativePositions(shapes, depth - 1);
  const [height, width] = relative?.grid ?? [side, side];
  const likelyHeads = known.embedDim === embedDim ? known.numHeads : Math.max(1, Math.round(embedDim / 64));
  return {
    imageSize: [height * patchSize, width * patchSize],
    patchSize,
    inChannels,
    embedDim,
    depth,
    numHeads: relative === undefined ? likelyHeads : embedDim / relative.headDim,
    mlpRatio: hidden / embedDim,
    decoderEmbedDim: decoderEmbedDim ?? known.decoderEmbedDim,
    decoderDepth: decoderEmbedDim === undefined ? known.decoderDepth : countBlocks(shapes, 'decoder_blocks.'),
    decoderNumHeads: Math.max(1, Math.round((decoderEmbedDim ?? known.decoderEmbedDim) / 32)),
  };
}

/**
 * What the tables of relative positions of a block with global attention tell, `[2 · side − 1, head's width]` each. The
 * last block's is global in every ViTDet.
 */
function relativePositions(
  shapes: ReadonlyMap<string, Shape>,
  block: number,
): { readonly grid: readonly [number, number]; readonly headDim: number } | undefined {
  const tables = ['h', 'w'].map((axis) => shapes.get(`blocks.${block}.attn.rel_pos_${axis}`));
  const [rows, columns] = tables;
  if (rows?.length !== 2 || columns?.length !== 2) return undefined;
  return { grid: [(rows[0]! + 1) / 2, (columns[0]! + 1) / 2], headDim: rows[1]! };
}

function countBlocks(shapes: ReadonlyMap<string, Shape>, prefix: string): number {
  let count = 0;
  while (shapes.has(`${prefix}${count}.norm1.weight`)) count++;
  return count;
}
