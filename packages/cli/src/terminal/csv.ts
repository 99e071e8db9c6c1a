/** A table as CSV (RFC 4180). */
export function csvText(columns: readonly string[], rows: ReadonlyArray<ReadonlyArray<string | number>>): string {
  return [columns, ...rows].map((row) => `${csvLine(row)}\n`).join('');
}

/** One line of CSV, without its end. */
export function csvLine(cells: ReadonlyArray<string | number>): string {
  return cells.map((cell) => quoted(String(cell))).join(',');
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
