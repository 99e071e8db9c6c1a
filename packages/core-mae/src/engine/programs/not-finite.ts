import type { Shape } from '../../contracts/tensor.js';

/** An operation of a run that was watched: values have names of the watcher's choice. */
export interface WatchedOperation {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Where the model asks for it; undefined for what TF.js or the engine adds. */
  readonly place?: string | undefined;
}

/**
 * The operation in which numbers first stopped being finite, on the way to these results: one that makes values that are
 * not finite of inputs that are (whatever parameters, batch and constants hold). A detour that ends in finite numbers, as
 * a masked logarithm of zero, is not on the way.
 *
 * @param operations in the order in which they ran
 * @returns its place among them, or undefined where all results are finite or no operation is to blame
 */
export function findOrigin(
  operations: readonly WatchedOperation[],
  isFinite: (value: string) => boolean,
  results: readonly string[],
): number | undefined {
  const producers = new Map<string, number>();
  operations.forEach(({ outputs }, index) => {
    for (const output of outputs) if (!producers.has(output)) producers.set(output, index);
  });
  const isBad = (value: string): boolean => producers.has(value) && !isFinite(value);
  const pending = results.filter(isBad);
  const met = new Set(pending);
  let origin: number | undefined;
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    const index = producers.get(value)!;
    const bad = operations[index]!.inputs.filter(isBad);
    if (bad.length === 0) origin = Math.min(origin ?? index, index);
    for (const input of bad) {
      if (met.has(input)) continue;
      met.add(input);
      pending.push(input);
    }
  }
  return origin;
}

/** The parameters that an operation reads, or those that were read last on the way to it. */
export function nearestParameters(
  operations: readonly WatchedOperation[],
  index: number,
  parameterOf: (value: string) => string | undefined,
): string[] {
  const names = nearest(operations, index, ({ inputs }) => {
    const read = inputs.flatMap((value) => parameterOf(value) ?? []);
    return read.length === 0 ? undefined : read;
  });
  return [...new Set(names)];
}

/** Where the model asks for an operation, or for the nearest one before it whose place is known. */
export function nearestPlace(operations: readonly WatchedOperation[], index: number): string | undefined {
  return nearest(operations, index, ({ place }) => place);
}

/** What `pick` finds at an operation or, going backwards, at the nearest one that it reads from. */
function nearest<Found>(
  operations: readonly WatchedOperation[],
  index: number,
  pick: (operation: WatchedOperation) => Found | undefined,
): Found | undefined {
  const producers = new Map(operations.flatMap(({ outputs }, at) => outputs.map((output) => [output, at] as const)));
  const met = new Set([index]);
  for (const at of met) {
    const found = pick(operations[at]!);
    if (found !== undefined) return found;
    // What is added to a set while it is gone through is met later: nearer operations come first.
    for (const input of operations[at]!.inputs) {
      const before = producers.get(input);
      if (before !== undefined) met.add(before);
    }
  }
  return undefined;
}

/** What there is to say of numbers that may not be finite. */
export interface ValueSummary {
  readonly shape: Shape;
  readonly size: number;
  readonly numNaN: number;
  readonly numInfinite: number;
  /** Place of the first that is not finite. */
  readonly first: number;
  /** Of those that are finite; NaN where there are none. */
  readonly min: number;
  readonly max: number;
}

export function summarize(shape: Shape, data: ArrayLike<number>): ValueSummary {
  let [numNaN, numInfinite, first, min, max] = [0, 0, -1, Infinity, -Infinity];
  for (let index = 0; index < data.length; index++) {
    const value = data[index]!;
    if (Number.isFinite(value)) {
      min = Math.min(min, value);
      max = Math.max(max, value);
      continue;
    }
    if (first < 0) first = index;
    if (Number.isNaN(value)) numNaN++;
    else numInfinite++;
  }
  if (min > max) [min, max] = [Number.NaN, Number.NaN];
  return { shape, size: data.length, numNaN, numInfinite, first, min, max };
}

/** Whether all are finite; a sum could overflow. */
export function isAllFinite(data: ArrayLike<number>): boolean {
  for (let index = 0; index < data.length; index++) if (!Number.isFinite(data[index])) return false;
  return true;
}

/** `3 of 128 values are NaN, the first at [0, 2]`; `from -1 to 2` where all are finite. */
export function describeValues({ shape, size, numNaN, numInfinite, first, min, max }: ValueSummary): string {
  const kinds = [numNaN > 0 ? `${numNaN} NaN` : [], numInfinite > 0 ? `${numInfinite} infinite` : []].flat();
  if (kinds.length === 0) return size === 0 ? 'empty' : `from ${short(min)} to ${short(max)}`;
  return `${kinds.join(' and ')} of ${size}, the first at [${placeOf(first, shape).join(', ')}]`;
}

function placeOf(index: number, shape: Shape): number[] {
  let rest = index;
  return shape
    .toReversed()
    .map((size) => {
      const at = rest % size;
      rest = (rest - at) / size;
      return at;
    })
    .reverse();
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
