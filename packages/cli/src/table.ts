import { displayWidth } from './display-width.js';

export interface TableOptions {
  /** Column names, above the rows. */
  readonly header?: readonly string[];
  /** By column; `left` where nothing is said. */
  readonly align?: ReadonlyArray<'left' | 'right'>;
  /** Spaces before each line. Default 0. */
  readonly indent?: number;
}

/** Rows of cells as lines with aligned columns, two spaces apart, without a line's end after the last. */
export function formatTable(
  rows: ReadonlyArray<readonly string[]>,
  { header, align = [], indent = 0 }: TableOptions = {},
): string {
  const lines = header === undefined ? rows : [header, ...rows];
  const numColumns = Math.max(0, ...lines.map((cells) => cells.length));
  const widths = Array.from({ length: numColumns }, (_, column) =>
    Math.max(...lines.map((cells) => displayWidth(cells[column] ?? ''))),
  );
  return lines
    .map((cells) => {
      const padded = widths.map((width, column) => {
        const cell = cells[column] ?? '';
        const space = ' '.repeat(width - displayWidth(cell));
        return align[column] === 'right' ? space + cell : cell + space;
      });
      return `${' '.repeat(indent)}${padded.join('  ')}`.trimEnd();
    })
    .join('\n');
}
