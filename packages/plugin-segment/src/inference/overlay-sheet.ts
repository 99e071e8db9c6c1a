import { pictureSheetPng, type SheetRow } from '@mae-tasks/core-mae/task';

/** The sides that small pictures on a sheet are enlarged to and large ones shrunk to, in pixels. */
const SIDES = { minSide: 160, maxSide: 320 };

/** A sheet of pictures as a PNG file, large ones shrunk to the same size. */
export function overlaySheet(
  title: string,
  columns: readonly string[],
  rows: readonly SheetRow[],
): Promise<Uint8Array> {
  const sheet = { title, ...(columns.length === 0 ? {} : { columns }), rows };
  return pictureSheetPng(sheet, { ...SIDES, enlarging: 'smooth' });
}
