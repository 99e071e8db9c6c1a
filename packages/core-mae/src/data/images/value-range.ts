import { MaeError } from '../../base/errors.js';

/** The value that is shown black, and the one that is shown white. */
export type ValueRange = readonly [low: number, high: number];

export type WideValues = Uint16Array | Int16Array | Uint32Array | Int32Array | Int8Array | Float32Array;

/** Values that are not 0–255, as their file declares them. */
export interface StoredValues {
  readonly kind: 'unsigned' | 'signed' | 'float';
  readonly bits: 8 | 16 | 32;
  /** Whether 0 is white. */
  readonly whiteIsZero: boolean;
  /** The range that the file says. */
  readonly described?: ValueRange;
  /** Bits that say something, where the file says so; whether values were scaled to all bits is seen by them alone. */
  readonly significantBits?: number;
}

/** The least and the greatest of the values that are numbers; infinite for none. */
export interface ValueExtent {
  readonly lowest: number;
  readonly highest: number;
}

/** How values become 0–255, and what that was chosen by. */
export interface ChosenRange {
  readonly range: ValueRange;
  readonly by: 'setting' | 'file' | 'type' | 'unit';
}

/** `16-bit signed`, `32-bit floating-point`. */
export function describeValues({ kind, bits }: StoredValues): string {
  return `${bits}-bit ${kind === 'float' ? 'floating-point' : kind}`;
}

export function extentOf(values: WideValues): ValueExtent {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return { lowest, highest };
}

/** The smallest power of two less one that is not below the value: what a sensor of a number of bits can give. */
export function fullScaleOf(value: number): number {
  return 2 ** Math.max(1, Math.ceil(Math.log2(value + 1))) - 1;
}

/**
 * The range of a picture's values: what is set, else what the file says of itself, else all of the type for 16 bits
 * without a sign, and 0 to 1 for floats that lie within. Undefined where nothing tells.
 *
 * @param extent asked for only where the values themselves have a say
 */
export function chooseRange(
  stored: StoredValues,
  setting: ValueRange | undefined,
  values: () => WideValues,
): ChosenRange | undefined {
  const { kind, bits, described, significantBits } = stored;
  if (setting !== undefined) return { range: setting, by: 'setting' };
  if (described !== undefined) return { range: described, by: 'file' };
  if (kind === 'unsigned' && bits === 16) {
    const isScaled = significantBits === undefined || isScaledTo16(values(), significantBits);
    return isScaled
      ? { range: [0, 0xffff], by: significantBits === undefined ? 'type' : 'file' }
      : { range: [0, 2 ** significantBits - 1], by: 'file' };
  }
  if (kind !== 'float') return undefined;
  const { lowest, highest } = extentOf(values());
  return lowest >= 0 && highest <= 1 && lowest <= highest ? { range: [0, 1], by: 'unit' } : undefined;
}

/**
 * Whether values of fewer bits were scaled to 16, as PNG wants it. Many writers leave them as they are: then none needs
 * more than its bits, and they are no multiples of what scaling multiplies by.
 */
function isScaledTo16(values: WideValues, significantBits: number): boolean {
  const most = 2 ** significantBits - 1;
  const step = 2 ** (16 - significantBits);
  return values.some((value) => value > most) || values.every((value) => value % step === 0);
}

/**
 * Values scaled so that `low` becomes 0 and `high` 255, clipped and rounded; what is no number is `low`. The last of
 * each pixel's samples is alpha where `hasAlpha`, which has the whole range of its type.
 */
export function scaleValues(
  values: WideValues,
  { kind, bits, whiteIsZero }: StoredValues,
  [low, high]: ValueRange,
  { channels, hasAlpha }: { readonly channels: number; readonly hasAlpha: boolean },
): Uint8Array {
  const scaled = new Uint8ClampedArray(values.length);
  const factor = 255 / (high - low);
  for (let at = 0; at < values.length; at++) {
    const level = (values[at]! - low) * factor;
    scaled[at] = whiteIsZero ? 255 - level : level;
  }
  if (hasAlpha) {
    const opaque = kind === 'float' ? 1 : 2 ** (kind === 'signed' ? bits - 1 : bits) - 1;
    for (let at = channels - 1; at < values.length; at += channels) scaled[at] = (values[at]! / opaque) * 255;
  }
  return new Uint8Array(scaled.buffer);
}

/** The error of a picture whose values nobody says the range of. */
export function rangeUnknown(stored: StoredValues, { lowest, highest }: ValueExtent, path: string): MaeError {
  const found = lowest > highest ? 'values are no numbers' : `values are ${shown(lowest)} to ${shown(highest)}`;
  return new MaeError('IMAGE_INVALID', {
    what: `its ${describeValues(stored)} ${found}, and nothing says which of them are black and white`,
    where: path,
    fix: `train with \`data.valueRange\`, such as --set 'data.valueRange=${suggestedRange(stored, { lowest, highest })}'; predict and embed take --value-range`,
  });
}

/** `[0,4095]`: what a range might be, for the words of the command line. */
export function suggestedRange({ kind }: StoredValues, { lowest, highest }: ValueExtent): string {
  if (lowest > highest) return '[0,1]';
  if (kind === 'unsigned') return `[0,${fullScaleOf(highest)}]`;
  return `[${shown(Math.min(lowest, 0))},${shown(highest > lowest || highest > 0 ? highest : lowest + 1)}]`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}
