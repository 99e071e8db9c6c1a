import { displayWidth } from './display-width.js';
import { looking, plainText, type Text } from './text.js';

/** A value with what it means before or behind it: `loss 0.4321`, `512 img/s`. */
export interface Field {
  readonly label?: string;
  readonly value: string;
  readonly unit?: string;
  /** The largest number is dropped first. */
  readonly priority: number;
}

/** The fields on one line of at most `width` columns, the least important left out; labels and units pale. */
export function fitFields(fields: readonly Field[], width: number): Text {
  const kept = [...fields];
  while (kept.length > 1 && displayWidth(plainText(lineOf(kept))) > width) {
    const least = kept.reduce((last, field) => (field.priority >= last.priority ? field : last));
    kept.splice(kept.indexOf(least), 1);
  }
  return lineOf(kept);
}

function lineOf(fields: readonly Field[]): Text {
  return fields.map((field, index) => [index === 0 ? '' : '  ', fieldText(field)]);
}

function fieldText({ label, value, unit }: Field): Text {
  return [
    label === undefined ? '' : [looking('dim', label), ' '],
    value,
    unit === undefined ? '' : [' ', looking('dim', unit)],
  ];
}
