import * as tf from '@tensorflow/tfjs';
import { fusedMatMul, isTracing } from '../engine/fused-ops.js';
import { linear, linearSpecs } from './linear.js';
import type { ParameterSpecs } from '../contracts/parameters.js';
import type { ParameterTree } from '../contracts/tensor.js';
import { prefixed } from './params.js';
import { type PickedRows, pickTokens } from './rows.js';
import type { Scope } from './scope.js';

/**
 * Softmax attention for `G` independent heads, tokens first: queries `[M, G, d]`, keys and values `[N, G, d]` →
 * `[M, G, d]`.
 *
 * Tokens come first so that the heads of all pictures are one batch axis without moving data.
 */
export function scaledDotProductAttention(query: tf.Tensor3D, key: tf.Tensor3D, value: tf.Tensor3D): tf.Tensor3D {
  const scale = query.shape[2] ** -0.5;
  if (isTracing()) return tracedAttention(query, key, value, scale);
  const headFirst = (x: tf.Tensor3D): tf.Tensor3D => tf.transpose(x, [1, 0, 2]); // [G, N, d]
  const scores = tf.mul(tf.matMul(headFirst(query), headFirst(key), false, true), scale); // [G, M, N]
  const mixed = tf.matMul<tf.Tensor3D>(tf.softmax(scores), headFirst(value));
  return tf.transpose(mixed, [1, 0, 2]);
}

/**
 * The same in few passes over the scores: transposes and the factor are part of the products. Backwards, the softmax's
 * row sums Σ P·dP are taken as Σ out·dOut, which is shorter by a factor of N/d.
 */
function tracedAttention(query: tf.Tensor3D, key: tf.Tensor3D, value: tf.Tensor3D, scale: number): tf.Tensor3D {
  const tokensFirst = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [1, 0, 2]);
  const attend = tf.customGrad((...args) => {
    const [q, k, v, save] = args as unknown as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D, tf.GradSaveFunc];
    const scores = fusedMatMul(q, k, { rowsFirstA: true, rowsFirstB: true, transposeB: true, scale });
    const weights = tf.softmax(scores); // [G, M, N]
    const output = tokensFirst(fusedMatMul(weights, v, { rowsFirstB: true }));
    save([q, k, v, weights, output]);
    const gradFunc = (dOutput: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const [q, k, v, p, out] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const [numQueries, numGroups] = out.shape as [number, number];
      const dWeights = fusedMatMul(dOutput, v, { rowsFirstA: true, rowsFirstB: true, transposeB: true });
      const rowSums = tf.transpose(tf.sum(tf.mul(dOutput, out), -1)); // [G, M]
      const dScores = tf.mul(p, tf.sub(dWeights, tf.reshape(rowSums, [numGroups, numQueries, 1])));
      return [
        tokensFirst(fusedMatMul(dScores, k, { rowsFirstB: true, scale })),
        tokensFirst(fusedMatMul(dScores, q, { transposeA: true, rowsFirstB: true, scale })),
        tokensFirst(fusedMatMul(p, dOutput, { transposeA: true, rowsFirstB: true })),
      ];
    };
    return { value: output, gradFunc };
  });
  return attend(query, key, value) as tf.Tensor3D;
}

/**
 * Multi-head self-attention (timm's `Attention`): `[N, B, D]` → `[N, B, D]`.
 *
 * Reads `qkv.weight` `[3D, D]`, `qkv.bias`, `proj.weight` `[D, D]`, `proj.bias`.
 *
 * @param queried the tokens that ask, where not all answers are wanted: the result is then `[M, B, D]`
 */
export function selfAttention(
  parameter: Scope,
  x: tf.Tensor3D,
  { numHeads, queried }: { readonly numHeads: number; readonly queried?: PickedRows | undefined },
): tf.Tensor3D {
  const [, batchSize, width] = x.shape;
  const parts = queried === undefined ? queryKeyValue(parameter, x) : someQueriesKeyValue(parameter, x, queried);
  const [query, key, value] = parts.map((part) =>
    tf.reshape<tf.Rank.R3>(part, [-1, batchSize * numHeads, width / numHeads]),
  );
  const mixed = scaledDotProductAttention(query!, key!, value!); // [M, B·heads, d]
  const joined = tf.reshape(mixed, [-1, batchSize, width]);
  return linear(joined, parameter<tf.Tensor2D>('proj.weight'), parameter<tf.Tensor1D>('proj.bias')) as tf.Tensor3D;
}

/** Queries of some tokens `[M, B, D]`, keys and values of all `[N, B, D]`. */
function someQueriesKeyValue(parameter: Scope, x: tf.Tensor3D, queried: PickedRows): tf.Tensor[] {
  const weights = tf.split<tf.Tensor2D>(parameter<tf.Tensor2D>('qkv.weight'), 3);
  const biases = tf.split<tf.Tensor1D>(parameter<tf.Tensor1D>('qkv.bias'), 3);
  return [pickTokens(x, queried), x, x].map((tokens, index) => linear(tokens, weights[index]!, biases[index]));
}

/**
 * Queries, keys and values, `[N, B, D]` each. One product has to be cut in three, three products take the weight cut in
 * three; compiled, whichever copies less (backwards, three products also add up three gradients of `x`).
 */
function queryKeyValue(parameter: Scope, x: tf.Tensor3D): tf.Tensor[] {
  const weight = parameter<tf.Tensor2D>('qkv.weight');
  const bias = parameter<tf.Tensor1D>('qkv.bias');
  const [numTokens, batchSize, width] = x.shape;
  if (!isTracing() || numTokens * batchSize < 2 * width) return tf.split(linear(x, weight, bias), 3, -1);
  const biases = tf.split<tf.Tensor1D>(bias, 3);
  return tf.split<tf.Tensor2D>(weight, 3).map((part, index) => linear(x, part, biases[index]));
}

/** Sets keys to the queries in all attention layers of a model that has learned nothing yet. */
export function tieKeysToQueries(parameters: ParameterTree): void {
  for (const [name, { shape, data }] of parameters) {
    if (!name.endsWith('attn.qkv.weight')) continue;
    const [rows, width] = shape as [number, number];
    const size = (rows / 3) * width;
    data.copyWithin(size, 0, size);
  }
}

export function selfAttentionSpecs(width: number): ParameterSpecs {
  return { ...prefixed('qkv.', linearSpecs(width, 3 * width)), ...prefixed('proj.', linearSpecs(width, width)) };
}
