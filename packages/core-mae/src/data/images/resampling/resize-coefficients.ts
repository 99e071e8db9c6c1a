import type { Filter } from '../../../contracts/transform.js';

/** Fixed-point bits of a weight: Pillow's `PRECISION_BITS` for 8-bit channels, 32 − 8 − 2. */
export const WEIGHT_BITS = 22;

const FIXED_ONE = 2 ** WEIGHT_BITS;

/** For each output position, where its source pixels start and how much each weighs. */
export interface Coefficients {
  /** First source position of each output position, `[outputSize]`. */
  readonly starts: Int32Array;
  /** Number of source positions of each output position, `[outputSize]`. */
  readonly counts: Int32Array;
  /** Weights times 2^22, rounded, `[outputSize, maxCount]`; zero beyond an output's count. */
  readonly weights: Int32Array;
  /** Even, so that weights can be read in pairs. */
  readonly maxCount: number;
}

const supports: Record<Filter, number> = { bilinear: 1, bicubic: 2 };

function weightAt(filter: Filter, distance: number): number {
  const x = distance < 0 ? -distance : distance;
  if (filter === 'bilinear') return x < 1 ? 1 - x : 0;
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/**
 * Weights that resample the interval [start, end) of a line of `inputSize` pixels to `outputSize` pixels with
 * antialiasing: the filter is stretched by the scale when shrinking, and its weights are normalised where it passes the
 * line's ends. Follows the definition of Pillow's `precompute_coeffs` (src/libImaging/Resample.c).
 */
export function resampleCoefficients(
  inputSize: number,
  start: number,
  end: number,
  outputSize: number,
  filter: Filter,
): Coefficients {
  const scale = (end - start) / outputSize;
  const stretch = Math.max(1, scale);
  const radius = supports[filter] * stretch;
  const inverse = 1 / stretch;
  const maxCount = Math.ceil(radius) * 2 + 2;
  const starts = new Int32Array(outputSize);
  const counts = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * maxCount);
  const exact = new Float64Array(maxCount);
  for (let position = 0; position < outputSize; position++) {
    const center = start + (position + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - radius + 0.5));
    const count = Math.min(inputSize, Math.trunc(center + radius + 0.5)) - first;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      const weight = weightAt(filter, (tap + first - center + 0.5) * inverse);
      exact[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < count; tap++) {
      const share = sum === 0 ? exact[tap]! : exact[tap]! / sum;
      const fixed = share * FIXED_ONE;
      // `| 0` cuts towards zero; weights stay far below 2^31.
      weights[position * maxCount + tap] = (fixed < 0 ? fixed - 0.5 : fixed + 0.5) | 0;
    }
    starts[position] = first;
    counts[position] = count;
  }
  return { starts, counts, weights, maxCount };
}

/** The same coefficients with the output positions in reverse order: the result comes out mirrored. */
export function mirrored({ starts, counts, weights, maxCount }: Coefficients): Coefficients {
  const size = starts.length;
  const reversed = new Int32Array(weights.length);
  for (let position = 0; position < size; position++) {
    const from = (size - 1 - position) * maxCount;
    reversed.set(weights.subarray(from, from + maxCount), position * maxCount);
  }
  return { starts: starts.toReversed(), counts: counts.toReversed(), weights: reversed, maxCount };
}
