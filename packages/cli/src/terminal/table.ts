import { displayWidth } from './display-width.js';
import { plainText, type Text } from './text.js';

export interface TableOptions {
  /** Column names, above the rows. */
  readonly header?: readonly string[];
  /** By column; `left` where nothing is said. */
  readonly align?: ReadonlyArray<'left' | 'right'>;
  /** Spaces before each line. Default 0. */
  readonly indent?: number;
}

/** Rows of cells as lines with aligned columns, two spaces apart. */
export function formatTable(
  rows: ReadonlyArray<readonly Text[]>,
  { header, align = [], indent = 0 }: TableOptions = {},
): Text[] {
  const lines = header === undefined ? rows : [header, ...rows];
  const widthOf = (cell: Text): number => displayWidth(plainText(cell));
  // Not by the arguments of one call: a table may have a row for each of a file's classes.
  const widths: number[] = [];
  for (const cells of lines) {
    cells.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
    });
  }
  return lines.map((cells) => {
    // No spaces at a line's end: nothing follows the last cell that is not empty.
    const shown = cells.slice(0, cells.findLastIndex((cell) => widthOf(cell) > 0) + 1);
    const parts = shown.flatMap((cell, column): Text[] => {
      const space = ' '.repeat(widths[column]! - widthOf(cell));
      const gap = column === 0 ? '' : '  ';
      if (align[column] === 'right') return [gap, space, cell];
      return column === shown.length - 1 ? [gap, cell] : [gap, cell, space];
    });
    return [' '.repeat(indent), ...parts];
  });
}
