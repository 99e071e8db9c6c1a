const MAX_LENGTH = 80;

/**
 * A value from a file or a flag as a message shows it: `"half"`, `0.3`, `[1, 2]`, `not a number`, `nothing`, `a list of
 * 300 values`. Never longer than a line, whatever it holds.
 */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return Number.isNaN(value) ? 'not a number' : String(value);
  if (typeof value === 'string') {
    const short = value.length > MAX_LENGTH ? `${[...value.slice(0, MAX_LENGTH)].join('')}…` : value;
    return JSON.stringify(short);
  }
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  const count = Array.isArray(value) ? value.length : Object.keys(value).length;
  if (count <= MAX_LENGTH / 2) {
    const text = jsonOf(value);
    if (text !== undefined && text.length <= MAX_LENGTH) return text;
  }
  const [kind, one] = Array.isArray(value) ? ['a list', 'value'] : ['a map', 'key'];
  return `${kind} of ${count} ${one}${count === 1 ? '' : 's'}`;
}

/** Undefined for what holds itself, and for numbers that JSON does not know and would pass off as null. */
function jsonOf(value: object): string | undefined {
  try {
    let isKnown = true;
    const text = JSON.stringify(value, (_, each: unknown) => {
      if (typeof each === 'bigint' || (typeof each === 'number' && !Number.isFinite(each))) isKnown = false;
      return typeof each === 'bigint' ? String(each) : each;
    });
    return isKnown ? text : undefined;
  } catch {
    return undefined;
  }
}
