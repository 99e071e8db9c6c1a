import * as tf from '@tensorflow/tfjs';

/** Rows that are picked, each at most once, and the inverse map; see {@link pickRows}. */
export interface PickedRows {
  /** `[S]` int32: the row that comes at each place. */
  readonly rows: tf.Tensor1D;
  /** `[R]` int32: for each row the place it went to, or `S` where it was not picked. */
  readonly places: tf.Tensor1D;
}

/**
 * Rows of a matrix picked by index, each at most once: `[R, D]` → `[S, D]`.
 *
 * The usual gradient of a gather adds rows at repeated indices, which is slow and, in ONNX Runtime's ScatterND,
 * racing. Where no index repeats, the gradient is itself a gather by the inverse map.
 */
export function pickRows(x: tf.Tensor2D, { rows, places }: PickedRows): tf.Tensor2D {
  const pick = tf.customGrad((...args) => {
    const [table, save] = args as unknown as [tf.Tensor2D, tf.GradSaveFunc];
    save([places]);
    return {
      value: tf.gather(table, rows),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        tf.gather(tf.concat([dy as tf.Tensor2D, tf.zeros([1, table.shape[1]])], 0), saved[0] as tf.Tensor1D),
    };
  });
  return pick(x);
}

/**
 * Rows spread over a longer sequence, one filler row everywhere else: `[R, D]`, `[1, D]` → `[S, D]`.
 * (The decoder's input: encoded tokens at their places, the mask token elsewhere.)
 *
 * @param sources `[S]` int32: the row of `x` at each place, or `R` for the filler
 * @param places `[R]` int32: the place of each row of `x`
 * @param fillerPlaces `[S − R]` int32: the places of the filler
 */
export function spreadRows(
  x: tf.Tensor2D,
  filler: tf.Tensor2D,
  maps: { readonly sources: tf.Tensor1D; readonly places: tf.Tensor1D; readonly fillerPlaces: tf.Tensor1D },
): tf.Tensor2D {
  const spread = tf.customGrad((...args) => {
    const [table, row, save] = args as unknown as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    save([maps.places, maps.fillerPlaces]);
    return {
      value: tf.gather(tf.concat([table, row], 0), maps.sources),
      gradFunc: (dy: tf.Tensor, [places, fillerPlaces]: tf.Tensor[]) => [
        tf.gather(dy, places as tf.Tensor1D),
        tf.sum(tf.gather(dy, fillerPlaces as tf.Tensor1D), 0, true),
      ],
    };
  });
  return spread(x, filler);
}

/** Tokens picked alike: `[N, B, D]` → `[S / B, B, D]`, rows counted over the first two axes. */
export function pickTokens(x: tf.Tensor3D, picked: PickedRows): tf.Tensor3D {
  const [, batchSize, width] = x.shape;
  return tf.reshape(pickRows(tf.reshape(x, [-1, width]), picked), [-1, batchSize, width]);
}
