import jsonc from 'jsonc-parser';

/**
 * The first key that occurs twice in one object of a JSON text, or undefined. `JSON.parse` keeps the last of them
 * without a word, so two tensors of one name would hide each other.
 *
 * @param text valid JSON, of a depth that was measured
 */
export function findDuplicateKey(text: string): string | undefined {
  const open: Array<Set<string>> = [];
  let duplicate: string | undefined;
  jsonc.visit(text, {
    onObjectBegin: () => {
      open.push(new Set());
    },
    onObjectProperty: (key) => {
      if (open.at(-1)!.has(key)) duplicate ??= key;
      open.at(-1)!.add(key);
    },
    onObjectEnd: () => {
      open.pop();
    },
  });
  return duplicate;
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
