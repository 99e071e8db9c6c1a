/** Height and width of a grid of vectors. */
export interface GridSize {
  readonly height: number;
  readonly width: number;
}

/** Source cells of one output cell along one axis, with their weights. */
interface Taps {
  readonly indices: readonly number[];
  readonly weights: readonly number[];
}

/** The constant of the cubic kernel in PyTorch (Keys 1981 uses −0.5). */
const A = -0.75;

/**
 * A grid of vectors resized to `to`, `[to.height, to.width, D]`, as `torch.nn.functional.interpolate(mode='bicubic',
 * align_corners=False)` does: cell centres aligned, borders repeated, no antialiasing.
 *
 * @param values `[from.height, from.width, D]`
 */
export function interpolateBicubic(values: Float32Array, from: GridSize, to: GridSize): Float32Array {
  const width = values.length / (from.height * from.width);
  const rows = tapsAlong(from.height, to.height);
  const columns = tapsAlong(from.width, to.width);
  const result = new Float32Array(to.height * to.width * width);
  const sums = new Float64Array(width);
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      sums.fill(0);
      accumulate(sums, values, from.width, rows[y]!, columns[x]!);
      result.set(sums, (y * to.width + x) * width);
    }
  }
  return result;
}

function accumulate(sums: Float64Array, values: Float32Array, gridWidth: number, row: Taps, column: Taps): void {
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 4; j++) {
      const weight = row.weights[i]! * column.weights[j]!;
      const start = (row.indices[i]! * gridWidth + column.indices[j]!) * sums.length;
      for (let d = 0; d < sums.length; d++) sums[d]! += weight * values[start + d]!;
    }
  }
}

function tapsAlong(from: number, to: number): Taps[] {
  return Array.from({ length: to }, (_, index) => {
    const source = ((index + 0.5) * from) / to - 0.5;
    const floor = Math.floor(source);
    const t = source - floor;
    return {
      indices: [-1, 0, 1, 2].map((offset) => Math.min(Math.max(floor + offset, 0), from - 1)),
      weights: [outerWeight(1 + t), innerWeight(t), innerWeight(1 - t), outerWeight(2 - t)],
    };
  });
}

/** The kernel at a distance of at most 1. */
function innerWeight(x: number): number {
  return ((A + 2) * x - (A + 3)) * x * x + 1;
}

/** The kernel at a distance between 1 and 2. */
function outerWeight(x: number): number {
  return ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
}
