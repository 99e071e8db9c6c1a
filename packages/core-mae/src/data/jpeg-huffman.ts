/** Bytes of a table made by `huffmanTable`. */
export const HUFFMAN_TABLE_BYTES = 4496;

const LOOKUP_BITS = 10;
const LIMITS_AT = 4096 / 4;
const DELTAS_AT = 4168 / 4;
const SYMBOLS_AT = 4240;

/** Files of one origin mostly share their tables. */
const made = new Map<string, Uint8Array>();
const MAX_KEPT = 64;

/**
 * The decoding table of a Huffman code as jpeg-kernels.wat reads it (its head says how), kept for the next picture; or
 * undefined where the definition is impossible.
 *
 * @param definition 16 numbers of codes by length, then the symbols (ITU T.81, B.2.4.2)
 */
export function huffmanTable(definition: Uint8Array): Uint8Array | undefined {
  const key = Buffer.from(definition.buffer, definition.byteOffset, definition.byteLength).toString('latin1');
  const kept = made.get(key);
  if (kept !== undefined) return kept;
  const table = makeTable(definition);
  if (table === undefined) return undefined;
  if (made.size >= MAX_KEPT) made.clear();
  made.set(key, table);
  return table;
}

function makeTable(definition: Uint8Array): Uint8Array | undefined {
  const symbols = definition.subarray(16);
  const table = new Uint8Array(HUFFMAN_TABLE_BYTES);
  const words = new Int32Array(table.buffer);
  let code = 0;
  let number = 0;
  for (let length = 1; length <= 16; length++) {
    words[DELTAS_AT + length] = number - code;
    for (let left = definition[length - 1]!; left > 0; left--) {
      // A code of ones alone is reserved.
      if (code >= (1 << length) - 1 || number >= symbols.length) return undefined;
      if (length <= LOOKUP_BITS) fillEntries(words, code, length, symbols[number]!);
      code++;
      number++;
    }
    words[LIMITS_AT + length] = code << (16 - length);
    code <<= 1;
  }
  table.set(symbols, SYMBOLS_AT);
  return table;
}

/** One entry for each way in which the ten bits may go on after the code. */
function fillEntries(words: Int32Array, code: number, length: number, symbol: number): void {
  const numRest = LOOKUP_BITS - length;
  const run = symbol >> 4;
  const size = symbol & 15;
  const first = code << numRest;
  for (let rest = 0; rest < 1 << numRest; rest++) {
    let entry = length | (run << 8);
    if (size > numRest) {
      entry |= size << 12;
    } else if (size > 0) {
      const bits = rest >> (numRest - size);
      // T.81, F.2.2.1: a leading 0 marks a negative value.
      const value = bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
      entry = (length + size) | (run << 8) | (value << 16);
    }
    words[first + rest] = entry;
  }
}
