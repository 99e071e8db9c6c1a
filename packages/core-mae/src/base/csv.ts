import { stringify } from 'csv-stringify/sync';

/**
 * A table as CSV (RFC 4180, lines end with LF). A text that a spreadsheet would take for a formula, such as a picture
 * named `=cmd()`, gets an apostrophe before it; numbers are written as they are.
 */
export function csvText(columns: readonly string[], rows: ReadonlyArray<ReadonlyArray<string | number>>): string {
  return stringify([columns, ...rows] as Array<Array<string | number>>, { escape_formulas: true });
}
