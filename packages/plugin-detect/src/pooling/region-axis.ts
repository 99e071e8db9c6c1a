/** How much each feature along one axis gives to each cell of a region. */
export interface Axis {
  /** The first feature that any cell reads, and how many there are from it to the last. */
  first: number;
  numUsed: number;
  /** Per cell: the features it reads, from `starts` to before `ends`. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** `[S, capacity]`: weights by cell and by feature counted from `first`. */
  weights: Float64Array;
  capacity: number;
}

export function createAxis(poolSize: number): Axis {
  return {
    first: 0,
    numUsed: 0,
    starts: new Int32Array(poolSize),
    ends: new Int32Array(poolSize),
    weights: new Float64Array(0),
    capacity: 0,
  };
}

/**
 * The samples of one axis, in float32 where detectron2's is: their number is rounded up from a side, so that rounding
 * decides it. A sample beyond the border by less than a cell reads the border; further out it counts as 0.
 */
export function sampleAxis(
  axis: Axis,
  from: number,
  to: number,
  size: number,
  { stride, samplingRatio }: { readonly stride: number; readonly samplingRatio: number },
): void {
  const { starts, ends } = axis;
  const numCells = starts.length;
  const round = Math.fround;
  const start = round(round(from / stride) - 0.5);
  const extent = round(round(round(to / stride) - 0.5) - start);
  const cell = round(extent / numCells);
  const numSamples = cell < 0 ? 0 : samplingRatio > 0 ? samplingRatio : Math.ceil(cell);
  const clamp = (index: number): number => Math.min(Math.max(index, 0), size - 1);
  axis.first = clamp(Math.floor(start));
  // One more than needed: the last sample may be rounded across a border.
  axis.numUsed = clamp(Math.floor(start + extent) + 2) - axis.first + 1;
  if (axis.numUsed > axis.capacity) {
    axis.capacity = 2 * axis.numUsed;
    axis.weights = new Float64Array(numCells * axis.capacity);
  } else axis.weights.fill(0);
  for (let index = 0; index < numCells; index++) {
    let [lowest, highest] = [size, -1];
    const base = index * axis.capacity - axis.first;
    for (let sample = 0; sample < numSamples; sample++) {
      const within = round(round((sample + 0.5) * cell) / numSamples);
      const place = round(round(start + round(index * cell)) + within);
      if (place < -1 || place > size) continue;
      const low = Math.min(Math.floor(Math.max(place, 0)), size - 1);
      const high = Math.min(low + 1, size - 1);
      const share = low === size - 1 ? 0 : Math.max(place, 0) - low;
      axis.weights[base + low]! += (1 - share) / numSamples;
      if (share > 0) axis.weights[base + high]! += share / numSamples;
      lowest = Math.min(lowest, low);
      highest = Math.max(highest, high);
    }
    starts[index] = lowest;
    ends[index] = highest + 1;
  }
  if (numSamples === 0) axis.numUsed = 0;
}
