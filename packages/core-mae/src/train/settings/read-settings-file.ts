import { parse, YAMLParseError } from 'yaml';
import { readText } from '../../base/decode-text.js';
import { MaeError, messageOf } from '../../base/errors.js';

/** Settings are short; what is longer or deeper than this is something else. */
const MAX_BYTES = 1 << 22;
const MAX_DEPTH = 64;
const MAX_VALUES = 200_000;

/**
 * A file of settings as plain data: YAML, in any of Unicode's encodings. An empty file is an empty map.
 *
 * @param name what to call the file in messages: "configuration"
 * @throws MaeError `CONFIG_INVALID` naming the file and the line: for what cannot be read, is no YAML or no map, refers to
 * itself, or is nested too deeply
 */
export function readSettingsFile(path: string, name: string): Readonly<Record<string, unknown>> {
  const invalid = (what: string, { at = '', fix, cause }: { at?: string; fix?: string; cause?: unknown } = {}) =>
    new MaeError('CONFIG_INVALID', { what, where: `${path}${at}`, fix, cause });
  let text: string;
  try {
    text = readText(path, { maxBytes: MAX_BYTES });
  } catch (cause) {
    const reason = cause instanceof MaeError ? cause.what : messageOf(cause);
    throw invalid(reason.replace(/^(?:the file|it)\b/u, `the ${name}`), { fix: 'name a YAML file of settings', cause });
  }
  let tree: unknown;
  try {
    tree = parse(text);
  } catch (cause) {
    const at = cause instanceof YAMLParseError && cause.linePos ? `:${cause.linePos[0].line}` : '';
    const reason = cause instanceof RangeError ? 'it is nested too deeply' : messageOf(cause).split('\n')[0]!;
    throw invalid(`the ${name} is not valid YAML: ${reason}`, { at, cause });
  }
  if (tree === null || tree === undefined) return Object.create(null) as Readonly<Record<string, unknown>>;
  const problem = boundsProblem(tree);
  if (problem !== undefined) throw invalid(`the ${name} ${problem}`);
  if (typeof tree !== 'object' || Array.isArray(tree)) {
    const kind = Array.isArray(tree) ? 'a list' : `the text "${firstLine(text)}"`;
    throw invalid(`the ${name} is ${kind}, not a map of settings`, { fix: 'write settings as `key: value`' });
  }
  return tree as Readonly<Record<string, unknown>>;
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n');
  return line.length > 40 ? `${line.slice(0, 40)}…` : line;
}

/** Why a tree is not one of settings: an anchor that refers to itself makes one without an end. */
function boundsProblem(tree: unknown): string | undefined {
  let values = 0;
  const visit = (value: unknown, above: readonly unknown[]): string | undefined => {
    if (++values > MAX_VALUES) return 'has more values than settings have';
    if (typeof value !== 'object' || value === null) return undefined;
    if (above.includes(value)) return 'has an anchor that refers to itself';
    if (above.length >= MAX_DEPTH) return `is nested more than ${MAX_DEPTH} levels deep`;
    const inside = [...above, value];
    for (const each of Object.values(value)) {
      const problem = visit(each, inside);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return visit(tree, []);
}
