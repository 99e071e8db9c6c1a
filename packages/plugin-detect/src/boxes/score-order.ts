/** Below 2³¹, so that a key and an index share the 53 bits of a number exactly. */
const INDEX_SPAN = 2 ** 21;

/** More scores than this would not fit beside their keys. */
export const MAX_SCORES = INDEX_SPAN;

/**
 * Indices of the `count` greatest scores, greatest first, the lower index first among equals. NaN is never among them.
 *
 * Scores and indices are packed into doubles that sort natively; where only few of many are wanted, a histogram of the
 * keys' upper bits leaves out most of them first.
 */
export function greatestFirst(scores: Float32Array, count = scores.length): Int32Array {
  if (scores.length > MAX_SCORES) return byComparison(scores, count);
  const bits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
  const keys = new Uint32Array(scores.length);
  let numValid = 0;
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i]!)) keys[i] = 0xffffffff;
    else {
      keys[i] = descendingKey(bits[i]!);
      numValid++;
    }
  }
  const limit = 4 * count < scores.length ? upperBound(keys, count) : 0xfffffffe;
  const packed = new Float64Array(numValid);
  let length = 0;
  for (let i = 0; i < keys.length; i++) if (keys[i]! <= limit) packed[length++] = keys[i]! * INDEX_SPAN + i;
  const sorted = packed.subarray(0, length).sort();
  return Int32Array.from(sorted.subarray(0, Math.min(count, length)), (value) => value % INDEX_SPAN);
}

/** A whole number that falls as the float with these bits rises; −0 and 0 are the same. */
function descendingKey(bits: number): number {
  if (bits === 0x80000000) return 0x7fffffff;
  return bits >>> 31 === 1 ? bits : 0x7fffffff - bits;
}

/** A key that at least `count` keys do not exceed, and not many more. */
function upperBound(keys: Uint32Array, count: number): number {
  const histogram = new Uint32Array(65536);
  for (let i = 0; i < keys.length; i++) histogram[keys[i]! >>> 16]!++;
  let total = 0;
  for (let bin = 0; bin < 65535; bin++) {
    total += histogram[bin]!;
    if (total >= count) return bin * 65536 + 65535;
  }
  return 0xfffffffe;
}

function byComparison(scores: Float32Array, count: number): Int32Array {
  const order = Int32Array.from(scores.keys()).filter((i) => !Number.isNaN(scores[i]!));
  return order.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, count);
}
