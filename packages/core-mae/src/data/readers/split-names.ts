/** A part of a data set, as every reader calls it. */
export type SplitName = 'train' | 'val' | 'test';

const SPLIT_NAMES: ReadonlyMap<string, SplitName> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['trn', 'train'],
  ['val', 'val'],
  ['valid', 'val'],
  ['validation', 'val'],
  ['dev', 'val'],
  ['test', 'test'],
  ['testing', 'test'],
]);

/**
 * The split that a folder's, a file's or a subset's name stands for, in any case and with or without the year that COCO
 * adds: `Training`, `valid`, `val2017`; undefined for any other name.
 */
export function splitOfName(name: string): SplitName | undefined {
  return SPLIT_NAMES.get(withoutYear(name).toLowerCase());
}

/** `train2017` without its year. */
export function withoutYear(name: string): string {
  return name.replace(/[-_ ]?(?:19|20)\d\d$/u, '');
}

/** The year behind a split's name: `2017`, or nothing. */
export function yearOf(name: string): string {
  return name.slice(withoutYear(name).length);
}

/** Splits in the order in which they are named: `train` first, then `val` and `test`, then others. */
export function bySplitOrder(a: string, b: string): number {
  const order = ['train', 'val', 'test'];
  const place = (name: string): number => (order.indexOf(name) + order.length + 1) % (order.length + 1);
  return place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** The split to hold out beside the one that is trained on: `val2014` for `train2014`, otherwise the only one for validation. */
export function heldOutBeside(splits: readonly string[], trained: string | undefined): string | undefined {
  const candidates = splits.filter((name) => splitOfName(name) === 'val' && name !== trained);
  const ofYear = candidates.find((name) => yearOf(name) === yearOf(trained ?? 'train'));
  return ofYear ?? (candidates.length === 1 ? candidates[0] : undefined);
}

/** The split that is looked at where none is named: the preferred one, that for training, or the only one. */
export function splitToLookAt(splits: readonly string[], preferred?: string): string | undefined {
  const named = [preferred, 'train'].find((name) => name !== undefined && splits.includes(name));
  return named ?? (splits.length === 1 ? splits[0] : undefined);
}
