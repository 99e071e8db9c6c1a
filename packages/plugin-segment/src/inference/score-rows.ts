/** Rows of averaged logits of one variant of a picture, filled by windows from above and used up from above. */
export interface ScoreRows {
  /** Size of the grid of logits that covers the variant. */
  readonly width: number;
  readonly height: number;
  /**
   * Adds a window's logits, `[h, w, K]`; what lies beyond the grid is left out.
   *
   * @param left, top of the window in cells of the grid
   * @param mirrored whether its columns run from right to left, `left` counting from the right
   */
  add(logits: Float32Array, place: WindowCells): void;
  /** The means of a row to which no further window will be added, `[width, K]`; it is kept until `release`. */
  row(y: number): Float32Array;
  /** Forgets the rows above `y`. */
  release(y: number): void;
  /** Rows that are held now. */
  held(): number;
}

/** A window on a grid of logits, in cells. */
export interface WindowCells {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly mirrored: boolean;
}

interface Row {
  readonly sums: Float32Array;
  readonly counts: Uint16Array;
  averaged: boolean;
}

/** @param numClasses K */
export function createScoreRows(width: number, height: number, numClasses: number): ScoreRows {
  const rows = new Map<number, Row>();
  const spare: Row[] = [];
  const rowAt = (y: number): Row => {
    let row = rows.get(y);
    if (row === undefined) {
      row = spare.pop() ?? {
        sums: new Float32Array(width * numClasses),
        counts: new Uint16Array(width),
        averaged: false,
      };
      rows.set(y, row);
    }
    return row;
  };
  return {
    width,
    height,
    add(logits, { left, top, width: columns, height: numRows, mirrored }) {
      for (let row = 0; row < numRows && top + row < height; row++) {
        const { sums, counts } = rowAt(top + row);
        for (let column = 0; column < columns; column++) {
          const x = mirrored ? width - 1 - (left + column) : left + column;
          if (x < 0 || x >= width) continue;
          const from = (row * columns + column) * numClasses;
          const to = x * numClasses;
          for (let k = 0; k < numClasses; k++) sums[to + k]! += logits[from + k]!;
          counts[x]!++;
        }
      }
    },
    row(y) {
      const row = rowAt(y);
      if (!row.averaged) {
        for (let x = 0; x < width; x++) {
          const share = 1 / Math.max(1, row.counts[x]!);
          for (let at = x * numClasses; at < (x + 1) * numClasses; at++) row.sums[at]! *= share;
        }
        row.averaged = true;
      }
      return row.sums;
    },
    release(y) {
      for (const [index, row] of rows) {
        if (index >= y) continue;
        rows.delete(index);
        row.sums.fill(0);
        row.counts.fill(0);
        row.averaged = false;
        spare.push(row);
      }
    },
    held: () => rows.size,
  };
}
