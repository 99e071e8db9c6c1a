import { MaeError } from '@mae-tasks/core-mae';
import { parse } from 'yaml';

type Tree = Record<string, unknown>;

/** A setting given on the command line: where it goes, and its value (left out where undefined). */
export type Override = readonly [path: string, value: unknown];

/** A tree of settings with some of them replaced; the tree itself is left as it is. */
export function withOverrides(tree: unknown, overrides: readonly Override[]): Tree {
  const result = copyTree(tree) as Tree;
  for (const [path, value] of overrides) {
    if (value !== undefined) assign(result, path.split('.'), value);
  }
  return result;
}

/** `--set key=value`: the value is read as YAML, so `true`, `0.5`, `[224, 160]` and `null` are what they look like. */
export function parseAssignment(text: string): Override {
  const equals = text.indexOf('=');
  if (equals < 1) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`${text}\` is not of the form key=value`,
      where: '--set',
      fix: 'for example: --set optimizer.blr=1e-4',
    });
  }
  const value = text.slice(equals + 1);
  try {
    return [text.slice(0, equals), parse(value)];
  } catch {
    return [text.slice(0, equals), value];
  }
}

/** A configuration file as plain data. @throws MaeError `CONFIG_INVALID` naming the file and the line */
export async function readConfigFile(path: string): Promise<unknown> {
  const { readSettingsFile } = await import('@mae-tasks/core-mae/run');
  return readSettingsFile(path, 'configuration');
}

function assign(tree: Tree, [key, ...rest]: readonly string[], value: unknown): void {
  if (key === undefined) return;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const below = tree[key];
  // `model: small` is short for `model: { preset: small }`.
  const next = isTree(below)
    ? below
    : typeof below === 'string' && key === 'model'
      ? treeOf({ preset: below })
      : emptyTree();
  tree[key] = next;
  assign(next, rest, value);
}

/** Copies into objects without a prototype, so that a key named `__proto__` is a key like any other. */
function copyTree(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyTree);
  if (!isTree(value)) return value ?? emptyTree();
  return treeOf(
    Object.fromEntries(Object.entries(value).map(([key, each]) => [key, isTree(each) ? copyTree(each) : each])),
  );
}

function treeOf(entries: Tree): Tree {
  return Object.assign(emptyTree(), entries);
}

function emptyTree(): Tree {
  return Object.create(null) as Tree;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
