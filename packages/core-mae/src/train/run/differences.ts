/** A value that two trees of plain data do not share. */
export interface Difference {
  /** Its keys, with dots between them: `classNames.2`. */
  readonly path: string;
  readonly before: unknown;
  readonly now: unknown;
}

/** Every value in which two trees of plain data differ; a key that is undefined counts as absent. */
export function differencesOf(before: unknown, now: unknown, path = ''): Difference[] {
  if (Object.is(before, now)) return [];
  if (!isTree(before) || !isTree(now) || Array.isArray(before) !== Array.isArray(now)) return [{ path, before, now }];
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].flatMap((key) =>
    differencesOf(ownValue(before, key), ownValue(now, key), path === '' ? key : `${path}.${key}`),
  );
}

/** A value as a message shows it. */
export function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function ownValue(tree: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(tree, key) ? tree[key] : undefined;
}
