import { z } from 'zod';
import { describeValue } from './describe-value.js';
import { MaeError } from './errors.js';
import { wantedInstead } from './issue-text.js';
import { nearestName } from './nearest-name.js';

/**
 * Settings that satisfy a schema, with its defaults filled in.
 *
 * @param where the file or flags they came from
 * @throws MaeError `CONFIG_INVALID` naming the key, what was expected, and for an unknown key the nearest known one
 */
export function checkSettings<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where?: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new MaeError('CONFIG_INVALID', { ...explain(schema, value, result.error), where, cause: result.error });
}

/** The first thing that a schema finds wrong with a value, and what to do about it. */
export function explain(schema: z.ZodType, value: unknown, error: z.ZodError): { what: string; fix?: string } {
  const [issue] = error.issues;
  if (issue === undefined) throw error;
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    const known = keysAt(schema, path);
    // A message of the library's may call a setting by its last name alone.
    const below = known.includes(key) ? [] : leavesNamed(schema, key);
    if (below.length > 0) {
      return {
        what: `\`${[...path, key].join('.')}\` is not a setting`,
        fix: `did you mean ${below.map((name) => `\`${name}\``).join(' or ')}?`,
      };
    }
    const nearest = nearestName(key, known);
    return {
      what: `\`${[...path, key].join('.')}\` is not a setting`,
      fix:
        nearest === undefined ? `known here: ${known.join(', ')}` : `did you mean \`${[...path, nearest].join('.')}\`?`,
    };
  }
  const given = path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
    value,
  );
  const name = path.length === 0 ? 'what was given' : `\`${path.join('.')}\``;
  // A rule of the schema's own is a sentence; the others are told by what they want.
  const wanted = issue.code === 'custom' ? wantedInstead(issue) : `give ${wantedInstead(issue)}`;
  if (given === undefined) return { what: `${name} is missing`, fix: wanted };
  return { what: `${name} (=${describeValue(given)}) is not valid`, fix: wanted };
}

interface Described {
  readonly properties?: Readonly<Record<string, Described>>;
  readonly anyOf?: readonly Described[];
  readonly oneOf?: readonly Described[];
}

/** Full names of the settings that end in this name, at most three. */
function leavesNamed(schema: z.ZodType, name: string): string[] {
  const found: string[] = [];
  const visit = ({ properties = {}, anyOf = [], oneOf = [] }: Described, path: readonly string[]): void => {
    for (const [key, below] of Object.entries(properties)) {
      if (key === name) found.push([...path, key].join('.'));
      visit(below, [...path, key]);
    }
    for (const option of [...anyOf, ...oneOf]) visit(option, path);
  };
  visit(z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as Described, []);
  return [...new Set(found)].slice(0, 3);
}

/** Names of the settings below a path of a schema. */
function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let at: Described | undefined = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as Described;
  for (const key of path) at = at?.properties?.[key];
  const options: readonly Described[] = at === undefined ? [] : [at, ...(at.anyOf ?? []), ...(at.oneOf ?? [])];
  return options.flatMap(({ properties }) => Object.keys(properties ?? {}));
}
