import type { ScoreRows } from './score-rows.js';

/** Two cells and the share of the second: where a pixel lies between the centres of cells. */
interface Between {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

/** Turns rows of logits into rows of classes at the picture's own size. */
export interface LabelRows {
  /** Writes the rows of classes that the finished rows of logits suffice for. `finished` has a number for each variant. */
  advance(finished: readonly number[]): void;
  /** `[height, width]` */
  readonly labels: Uint8Array;
}

export interface LabelRowsOptions {
  /** The picture's own size. */
  readonly width: number;
  readonly height: number;
  readonly numClasses: number;
  /** For each variant its logits, and how many cells of their grid its picture covers: a fraction, without padding. */
  readonly variants: ReadonlyArray<{
    readonly rows: ScoreRows;
    readonly columnsUsed: number;
    readonly rowsUsed: number;
  }>;
}

/**
 * Logits interpolated bilinearly at the centre of each of the picture's pixels, and the best class of each: of several
 * variants the probabilities are averaged, as mmsegmentation does in testing with augmentation.
 */
export function createLabelRows({ width, height, numClasses, variants }: LabelRowsOptions): LabelRows {
  const labels = new Uint8Array(width * height);
  const scores = new Float32Array(width * numClasses);
  const columns = variants.map(({ rows, columnsUsed }) =>
    Array.from({ length: width }, (_, x) => between(x, width, columnsUsed, rows.width)),
  );
  const lines = variants.map(({ rows }) => new Float32Array(rows.width * numClasses));
  const pixel = new Float32Array(numClasses);
  let next = 0;

  function writeRow(y: number): void {
    if (variants.length > 1) scores.fill(0);
    variants.forEach(({ rows, rowsUsed }, index) => {
      const { low, high, share } = between(y, height, rowsUsed, rows.height);
      const line = lines[index]!;
      blend(line, 0, rows.row(low), 0, rows.row(high), 0, share, line.length);
      const places = columns[index]!;
      for (let x = 0; x < width; x++) {
        const place = places[x]!;
        blend(pixel, 0, line, place.low * numClasses, line, place.high * numClasses, place.share, numClasses);
        if (variants.length === 1) labels[y * width + x] = highest(pixel, 0, numClasses);
        else addProbabilities(scores, x * numClasses, pixel);
      }
    });
    if (variants.length === 1) return;
    for (let x = 0; x < width; x++) labels[y * width + x] = highest(scores, x * numClasses, numClasses);
  }

  return {
    labels,
    advance(finished) {
      const ready = (y: number): boolean =>
        variants.every(
          ({ rows, rowsUsed }, index) => between(y, height, rowsUsed, rows.height).high < finished[index]!,
        );
      while (next < height && ready(next)) {
        writeRow(next);
        next++;
        if (next < height) {
          for (const { rows, rowsUsed } of variants) rows.release(between(next, height, rowsUsed, rows.height).low);
        }
      }
    },
  };
}

/** Where the centre of pixel `index` of `size` lies on a grid of `cells` cells, of which the picture covers `used`. */
function between(index: number, size: number, used: number, cells: number): Between {
  const at = Math.max(0, ((index + 0.5) * used) / size - 0.5);
  const low = Math.min(Math.floor(at), cells - 1);
  const high = Math.min(low + 1, cells - 1);
  return { low, high, share: at - low };
}

/** `into = a · (1 − share) + b · share` over `length` values from the given places on. */
function blend(
  into: Float32Array,
  start: number,
  a: Float32Array,
  fromA: number,
  b: Float32Array,
  fromB: number,
  share: number,
  length: number,
): void {
  const kept = 1 - share;
  for (let i = 0; i < length; i++) into[start + i] = a[fromA + i]! * kept + b[fromB + i]! * share;
}

/** The class of the highest value; the first of equal ones. */
function highest(values: Float32Array, start: number, numClasses: number): number {
  let best = 0;
  for (let k = 1; k < numClasses; k++) if (values[start + k]! > values[start + best]!) best = k;
  return best;
}

function addProbabilities(into: Float32Array, start: number, logits: Float32Array): void {
  let most = -Infinity;
  for (const value of logits) if (value > most) most = value;
  let sum = 0;
  for (let k = 0; k < logits.length; k++) sum += Math.exp(logits[k]! - most);
  for (let k = 0; k < logits.length; k++) into[start + k]! += Math.exp(logits[k]! - most) / sum;
}
