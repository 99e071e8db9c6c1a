import * as tf from '@tensorflow/tfjs';
import { scaledDotProductAttention } from '../nn/attention.js';
import { zeros } from '../nn/init.js';
import type { GridSize } from '../nn/interpolate-bicubic.js';
import type { ParameterSpecs } from '../contracts/parameters.js';

/** The tables of relative positions, one row for each distance of −(size − 1) … size − 1 cells, zero at the start. */
export function relPosSpecs({ height, width }: GridSize, headDim: number): ParameterSpecs {
  return {
    rel_pos_h: { shape: [2 * height - 1, headDim], init: zeros },
    rel_pos_w: { shape: [2 * width - 1, headDim], init: zeros },
  };
}

export interface RelPosAttentionInputs {
  /** `[H·W, G, d]`, tokens of a grid row by row, for `G` independent heads. */
  readonly query: tf.Tensor3D;
  readonly key: tf.Tensor3D;
  readonly value: tf.Tensor3D;
  /** `[2H − 1, d]`. */
  readonly relPosH: tf.Tensor2D;
  /** `[2W − 1, d]`. */
  readonly relPosW: tf.Tensor2D;
}

/**
 * Softmax attention over a grid with decomposed relative positions: `[H·W, G, d]` → `[H·W, G, d]`.
 *
 * The score of query (h, w) and key (h', w') is q·k/√d + q·relPosH[h − h'] + q·relPosW[w − w'] (Li et al. 2022,
 * "Improved Multiscale Vision Transformers", eq. 4; detectron2's `add_decomposed_rel_pos`). Written as a longer product:
 * what a query gives each row and each column of keys stands behind the query, and behind each key a one at its row and
 * at its column. So no pass over the scores is added, forwards or backwards.
 */
export function relPosAttention(inputs: RelPosAttentionInputs, { height, width }: GridSize): tf.Tensor3D {
  const { query, key, value, relPosH, relPosW } = inputs;
  const [numTokens, numGroups, headDim] = query.shape;
  const length = headDim + height + width;
  // The attention below divides by √length, where the scores of q·k want 1/√d and those of positions no factor.
  const factor = Math.sqrt(length);

  const byRow = tf.matMul(
    tf.reshape<tf.Rank.R3>(query, [height, width * numGroups, headDim]),
    tf.mul<tf.Tensor3D>(tableOfPairs(relPosH, height), factor),
    false,
    true,
  ); // [H, W·G, H]
  const columnsFirst = tf.transpose(tf.reshape(query, [height, width, numGroups * headDim]), [1, 0, 2]);
  const byColumn = tf.matMul(
    tf.reshape<tf.Rank.R3>(columnsFirst, [width, height * numGroups, headDim]),
    tf.mul<tf.Tensor3D>(tableOfPairs(relPosW, width), factor),
    false,
    true,
  ); // [W, H·G, W]
  const rowsFirst = tf.transpose(tf.reshape(byColumn, [width, height, numGroups * width]), [1, 0, 2]);

  const longQuery = tf.concat(
    [
      tf.mul<tf.Tensor3D>(query, factor / Math.sqrt(headDim)),
      tf.reshape<tf.Rank.R3>(byRow, [numTokens, numGroups, height]),
      tf.reshape<tf.Rank.R3>(rowsFirst, [numTokens, numGroups, width]),
    ],
    -1,
  );
  const places = tf.tile(placesOfKeys({ height, width }), [1, numGroups, 1]);
  return scaledDotProductAttention(longQuery, tf.concat([key, places], -1), value);
}

/** `[2·size − 1, d]` → `[size, size, d]`: the row of the table for each query's place and each key's. */
function tableOfPairs(table: tf.Tensor2D, size: number): tf.Tensor3D {
  const distances = Int32Array.from({ length: size * size }, (_, i) => Math.floor(i / size) - (i % size) + size - 1);
  const rows = tf.gather(table, tf.tensor1d(distances, 'int32'));
  return tf.reshape(rows, [size, size, table.shape[1]]);
}

/** `[H·W, 1, H + W]`: for each cell a one at its row, and one at H + its column. */
function placesOfKeys({ height, width }: GridSize): tf.Tensor3D {
  const places = new Float32Array(height * width * (height + width));
  for (let cell = 0; cell < height * width; cell++) {
    places[cell * (height + width) + Math.floor(cell / width)] = 1;
    places[cell * (height + width) + height + (cell % width)] = 1;
  }
  return tf.tensor3d(places, [height * width, 1, height + width]);
}
