/**
 * The first key that occurs twice in one object of a JSON text, or undefined. `JSON.parse` keeps the last of them
 * without a word, so two tensors of one name would hide each other.
 *
 * @param text valid JSON
 */
export function findDuplicateKey(text: string): string | undefined {
  // One entry for each open bracket: the keys seen in an object, nothing for an array.
  const open: Array<Set<string> | undefined> = [];
  for (let position = 0; position < text.length; position++) {
    const character = text[position];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(text, position);
      if (followedByColon(text, end)) {
        const key = JSON.parse(text.slice(position, end)) as string;
        const seen = open.at(-1);
        if (seen?.has(key) === true) return key;
        seen?.add(key);
      }
      position = end - 1;
    }
  }
  return undefined;
}

/** The position after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let position = start + 1;
  while (position < text.length && text[position] !== '"') position += text[position] === '\\' ? 2 : 1;
  return position + 1;
}

function followedByColon(text: string, start: number): boolean {
  let position = start;
  while (' \t\r\n'.includes(text[position] ?? '.')) position++;
  return text[position] === ':';
}

/** How much a JSON text holds, found without parsing it. */
export interface JsonMeasure {
  /** Brackets that are open at once. */
  readonly depth: number;
  /** Keys of the outermost object. */
  readonly numKeys: number;
  /** Items of lists and members of objects, all together. */
  readonly numItems: number;
}

/**
 * The measures of a JSON text in UTF-8; of text that is no JSON, some numbers. Stops where it is nested too deep.
 *
 * @param maxDepth past which nothing more is looked at
 */
export function measureJson(text: Uint8Array, maxDepth: number): JsonMeasure {
  let [depth, deepest, numKeys, numItems] = [0, 0, 0, 0];
  for (let position = 0; position < text.length && deepest <= maxDepth; position++) {
    const code = text[position]!;
    if (code === QUOTE) {
      position++;
      while (position < text.length && text[position] !== QUOTE) position += text[position] === BACKSLASH ? 2 : 1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
    else if (code === COLON && depth === 1) numKeys++;
    else if (code === COMMA) numItems++;
  }
  return { depth: deepest, numKeys, numItems };
}

const [QUOTE, BACKSLASH, OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET, COLON, COMMA] = Buffer.from(
  '"\\{[}]:,',
) as unknown as [number, number, number, number, number, number, number, number];
