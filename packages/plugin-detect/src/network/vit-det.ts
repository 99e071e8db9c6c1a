import * as tf from '@tensorflow/tfjs';
import {
  embedPatches,
  gridBlock,
  gridBlockSpecs,
  type GridSize,
  interpolateBicubic,
  type NamedTensors,
  type ParameterSpecs,
  patchEmbedSpecs,
  patchGrid,
  patchify,
  prefixed,
  scope,
  truncatedNormal,
} from '@mae-tasks/core-mae/task';
import type { EncoderConfig } from './detector-config.js';

/**
 * The encoder's parameters: those of the official MAE without class token and final norm, and tables of relative
 * positions. `pos_embed` has the row of a class token, which is not used, and the grid of pretraining.
 */
export function vitDetSpecs(config: EncoderConfig): ParameterSpecs {
  const { vit, positionGrid } = config;
  const blocks = Array.from({ length: vit.depth }, (_, index) =>
    prefixed(
      `blocks.${index}.`,
      gridBlockSpecs(vit.embedDim, vit.mlpRatio, {
        numHeads: vit.numHeads,
        grid: patchGrid(vit),
        windowSize: windowOf(config, index),
      }),
    ),
  );
  return Object.assign(
    {
      pos_embed: { shape: [1, 1 + positionGrid[0] * positionGrid[1], vit.embedDim], init: truncatedNormal(0.02) },
      ...patchEmbedSpecs(vit),
    },
    ...blocks,
  ) as ParameterSpecs;
}

export interface VitDetOptions {
  /** `[depth, 2, B]`: drop-path keep scales; absent, nothing is dropped. */
  readonly dropPathScales?: tf.Tensor3D | undefined;
}

/**
 * Feature maps after the blocks with global attention, the encoder's result last: `[B, H, W, 3]` → `[B, h, w, D]` each
 * (detectron2's modeling/backbone/vit.py).
 */
export function encodeMaps(
  parameters: NamedTensors,
  images: tf.Tensor4D,
  config: EncoderConfig,
  { dropPathScales }: VitDetOptions = {},
): tf.Tensor4D[] {
  const { vit, globalBlocks } = config;
  const { embedDim, depth, numHeads, patchSize, layerNormEps } = vit;
  const [batchSize] = images.shape;
  const grid = patchGrid(vit);
  const parameter = scope(parameters);
  const embedded = embedPatches(parameter, patchify(images, patchSize)); // [L·B, D]
  const patches = tf.reshape(embedded, [grid.numPatches, batchSize, embedDim]);
  const positions = positionsOf(parameter('pos_embed'), config.positionGrid, grid);
  const scales = dropPathScales === undefined ? [] : (tf.unstack(dropPathScales) as tf.Tensor2D[]);

  const maps: tf.Tensor4D[] = [];
  let x = tf.add<tf.Tensor3D>(patches, tf.reshape(positions, [grid.numPatches, 1, embedDim]));
  for (let index = 0; index < depth; index++) {
    const windowSize = windowOf(config, index);
    x = gridBlock(scope(parameters, `blocks.${index}.`), x, {
      numHeads,
      keepScales: scales[index],
      layerNormEps,
      grid,
      windowSize,
    });
    if (globalBlocks.includes(index) || index === depth - 1) {
      const picturesFirst = tf.transpose(x, [1, 0, 2]);
      maps.push(tf.reshape(picturesFirst, [batchSize, grid.height, grid.width, embedDim]));
    }
  }
  return maps;
}

/**
 * Positions of the picture's patches, `[L, D]`: the table without the class token's row, interpolated bicubically. The
 * interpolation is a matrix, so that gradients reach the table.
 */
function positionsOf(posEmbed: tf.Tensor, [height, width]: readonly [number, number], grid: GridSize): tf.Tensor2D {
  const embedDim = posEmbed.shape[2]!;
  const table = tf.slice(tf.reshape<tf.Rank.R2>(posEmbed, [-1, embedDim]), [1, 0], [height * width, embedDim]);
  if (grid.height === height && grid.width === width) return table;
  const size = height * width;
  const identity = Float32Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0));
  const weights = interpolateBicubic(identity, { height, width }, grid);
  return tf.matMul(tf.tensor2d(weights, [grid.height * grid.width, size]), table);
}

function windowOf({ globalBlocks, windowSize }: EncoderConfig, index: number): number | undefined {
  return globalBlocks.includes(index) ? undefined : windowSize;
}
