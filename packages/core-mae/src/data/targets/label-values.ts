import { MaeError } from '../../base/errors.js';

/** How the values of an index map are to be read; plain data. */
export interface LabelValues {
  /** Whether 0 stands for "other" and classes count from 1; see `reduceZeroLabel`. */
  readonly reduceZeroLabel: boolean;
  /** Value of pixels that are not counted. */
  readonly ignoreIndex: number;
  /** Where known, higher values are an error. */
  readonly numClasses?: number;
  /** Each value with its class, or null where its pixels are not counted; other values are then an error. */
  readonly classMap?: ReadonlyArray<readonly [value: number, classIndex: number | null]>;
}

/**
 * The class of each pixel of an index map.
 *
 * @param ignored what stands for pixels that are not counted
 * @param path of the map, for messages
 * @throws MaeError `DATA_INVALID` for a value that is no class
 */
export function classesOfValues(
  labels: Uint8Array | Uint16Array,
  values: LabelValues,
  ignored: number,
  path: string,
): Uint8Array | Uint16Array {
  const table = new Int32Array(labels instanceof Uint8Array ? 256 : 65_536);
  for (let value = 0; value < table.length; value++) table[value] = classOf(value, values, ignored);
  const classes = ignored > 255 ? new Uint16Array(labels.length) : labels.slice();
  for (let i = 0; i < labels.length; i++) {
    const found = table[labels[i]!]!;
    if (found === NO_CLASS) throw noClass(labels[i]!, values, path);
    classes[i] = found;
  }
  return classes;
}

/**
 * How many pixels of each class an index map has, without those that are not counted.
 *
 * @throws MaeError `DATA_INVALID` for a value that is no class
 */
export function countClasses(
  labels: Uint8Array | Uint16Array,
  values: LabelValues,
  path: string,
): ReadonlyMap<number, number> {
  const pixels = new Float64Array(labels instanceof Uint8Array ? 256 : 65_536);
  for (let i = 0; i < labels.length; i++) pixels[labels[i]!]!++;
  const counts = new Map<number, number>();
  for (const [value, count] of pixels.entries()) {
    if (count === 0) continue;
    const found = classOf(value, values, NOT_COUNTED);
    if (found === NO_CLASS) throw noClass(value, values, path);
    if (found !== NOT_COUNTED) counts.set(found, (counts.get(found) ?? 0) + count);
  }
  return counts;
}

const NO_CLASS = -1;
const NOT_COUNTED = -2;

function classOf(
  value: number,
  { reduceZeroLabel, ignoreIndex, numClasses, classMap }: LabelValues,
  ignored: number,
): number {
  const mapped = classMap?.find(([known]) => known === value)?.[1];
  if (mapped !== undefined) return mapped ?? ignored;
  if (value === ignoreIndex) return ignored;
  if (classMap !== undefined) return NO_CLASS;
  if (reduceZeroLabel && value === 0) return ignored;
  const index = reduceZeroLabel ? value - 1 : value;
  // A class by the number of ignored pixels could not be told from them.
  return index >= (numClasses ?? Infinity) || (index === ignored && ignored !== ignoreIndex) ? NO_CLASS : index;
}

function noClass(value: number, { reduceZeroLabel, numClasses, classMap }: LabelValues, path: string): MaeError {
  if (classMap !== undefined) {
    return new MaeError('DATA_INVALID', {
      what: `it holds ${value}, which \`data.classMap\` does not name (it has ${classMap.map(([known]) => known).join(', ')})`,
      where: path,
      fix: `add ${value} to \`data.classMap\` with the name of its class, or with null for pixels that do not count`,
    });
  }
  const classes = numClasses === undefined ? '' : `${numClasses} classes, `;
  return new MaeError('DATA_INVALID', {
    what: `it holds ${value}, which is no class (${classes}reduceZeroLabel ${reduceZeroLabel})`,
    where: path,
    fix: 'correct the map, the list of classes, `data.ignoreIndex` or `data.classMap`',
  });
}
