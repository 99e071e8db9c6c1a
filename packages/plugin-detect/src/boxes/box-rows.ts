/** The boxes at these indices: `[n, 4]` → `[k, 4]`. */
export function pickBoxes(boxes: Float32Array, indices: ArrayLike<number>): Float32Array {
  const result = new Float32Array(4 * indices.length);
  for (let i = 0; i < indices.length; i++) {
    const at = 4 * indices[i]!;
    for (let side = 0; side < 4; side++) result[4 * i + side] = boxes[at + side]!;
  }
  return result;
}

/** Whether the four values from `at` on are neither NaN nor infinite. */
export function isFinite4(values: Float32Array, at: number): boolean {
  return Number.isFinite(values[at]! + values[at + 1]! + values[at + 2]! + values[at + 3]!);
}
