import { displayWidth } from './display-width.js';

/** A value with what it means before or behind it: `loss 0.4321`, `512 img/s`. */
export interface Field {
  readonly label?: string;
  readonly value: string;
  readonly unit?: string;
  /** The largest number is dropped first. */
  readonly priority: number;
}

const separator = '  ';

/** The fields on one line of at most `width` columns, the least important left out; labels and units pale. */
export function fitFields(
  fields: readonly Field[],
  width: number,
  { dim }: { readonly dim: (text: string) => string },
): string {
  const kept = [...fields];
  const plainWidth = (): number => displayWidth(kept.map((field) => fieldText(field, (text) => text)).join(separator));
  while (kept.length > 1 && plainWidth() > width) {
    const least = kept.reduce((last, field) => (field.priority >= last.priority ? field : last));
    kept.splice(kept.indexOf(least), 1);
  }
  return kept.map((field) => fieldText(field, dim)).join(separator);
}

function fieldText({ label, value, unit }: Field, pale: (text: string) => string): string {
  return [label === undefined ? '' : pale(label), value, unit === undefined ? '' : pale(unit)]
    .filter((part) => part !== '')
    .join(' ');
}
