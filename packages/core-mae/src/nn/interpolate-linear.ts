/**
 * A table of another number of rows, `[from, d]` → `[to, d]`: linear, ends aligned at the borders of their cells
 * (`F.interpolate(mode='linear')`, as detectron2's `get_rel_pos` does for relative positions of another grid).
 */
export function interpolateLinear(table: Float32Array, from: number, to: number): Float32Array {
  const width = table.length / from;
  const result = new Float32Array(to * width);
  for (let row = 0; row < to; row++) {
    const source = Math.max(0, ((row + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(source), from - 1);
    const high = Math.min(low + 1, from - 1);
    const weight = source - low;
    for (let i = 0; i < width; i++) {
      result[row * width + i] = (1 - weight) * table[low * width + i]! + weight * table[high * width + i]!;
    }
  }
  return result;
}
