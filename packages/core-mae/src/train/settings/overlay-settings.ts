type Tree = Readonly<Record<string, unknown>>;

/**
 * Settings with others laid over them: trees are merged key by key, anything else is replaced. The result's objects
 * have no prototype, so that a key named `__proto__` is a key like any other.
 */
export function overlaySettings(below: Tree, above: Tree): Tree {
  const result = Object.assign(Object.create(null) as Record<string, unknown>, below);
  for (const [key, value] of Object.entries(above)) {
    const covered = result[key];
    result[key] = isTree(value) ? overlaySettings(isTree(covered) ? covered : {}, value) : value;
  }
  return result;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
