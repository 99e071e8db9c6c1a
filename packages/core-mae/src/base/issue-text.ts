/** What a schema says is wrong with a value, as zod's issues say it; of each kind, the keys that are read here. */
export interface SchemaIssue {
  readonly code?: string | undefined;
  readonly message: string;
  readonly expected?: unknown;
  readonly values?: readonly unknown[];
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly inclusive?: boolean;
  readonly origin?: string;
  readonly divisor?: number | bigint;
  readonly errors?: ReadonlyArray<readonly SchemaIssue[]>;
  readonly issues?: readonly SchemaIssue[];
  readonly path?: readonly PropertyKey[];
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  nan: 'no number',
  null: 'null',
  number: 'a number',
  object: 'a map of settings',
  record: 'a map',
  string: 'a text',
  tuple: 'a list',
};

/** What is wanted instead, in a person's words: `a whole number`, `a number of at least 1`, `one of full, frozen`. */
export function wantedInstead(issue: SchemaIssue): string {
  const { code, message, expected, values, errors, issues, divisor } = issue;
  switch (code) {
    case 'invalid_type':
      return KINDS[String(expected)] ?? `a value of the kind ${String(expected)}`;
    case 'invalid_value':
      return oneOf((values ?? []).map(String));
    case 'too_small':
      return limitText(issue, 'at least', 'more than', issue.minimum);
    case 'too_big':
      return limitText(issue, 'at most', 'less than', issue.maximum);
    case 'not_multiple_of':
      return `a multiple of ${String(divisor)}`;
    case 'invalid_union': {
      const wanted = (errors ?? []).flatMap(([first]) => (first === undefined ? [] : [wantedInstead(first)]));
      return wanted.length === 0 ? 'another kind of value' : [...new Set(wanted)].join(', or ');
    }
    case 'invalid_element':
    case 'invalid_key':
      return issues?.[0] === undefined ? 'other keys' : `${wantedInstead(issues[0])} as a key`;
    case 'unrecognized_keys':
      return 'known settings alone';
    case 'invalid_format':
      return 'a text of another form';
    default:
      // A rule that a schema states itself, in its own words.
      return message.charAt(0).toLowerCase() + message.slice(1);
  }
}

function limitText(
  { inclusive = true, origin }: SchemaIssue,
  least: string,
  beyond: string,
  limit: number | bigint | undefined,
): string {
  const bound = `${inclusive ? least : beyond} ${String(limit)}`;
  if (origin === 'string') return limit === 1 && least === 'at least' ? 'a text that is not empty' : `${bound} letters`;
  if (origin === 'array' || origin === 'set') return `${bound} values`;
  return `${origin === 'int' ? 'a whole number' : 'a number'} of ${bound}`.replace(/of (more|less) than/u, '$1 than');
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : `one of ${values.join(', ')}`;
}
