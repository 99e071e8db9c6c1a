// What `Math.min(...values)` and `list.push(...values)` do, for lists of any length: arguments lie on the stack, which takes
// about a hundred thousand of them, and files may hold more.

/** The smallest value; Infinity of none. */
export function smallest(values: Iterable<number>): number {
  let least = Infinity;
  for (const value of values) least = Math.min(least, value);
  return least;
}

/** The largest value; −Infinity of none. */
export function largest(values: Iterable<number>): number {
  let most = -Infinity;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/** Adds all values at a list's end. */
export function append<Value>(list: Value[], values: Iterable<Value>): void {
  for (const value of values) list.push(value);
}
