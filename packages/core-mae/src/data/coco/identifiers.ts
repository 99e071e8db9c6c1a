import type { JsonReader } from './json-reader.js';

/** Below every id that a file can hold: stands for a text until all numbers are known. */
const FIRST_PLACE = -(2 ** 52);

/**
 * Ids of one kind of record, as numbers whatever the file writes: a text that is a whole number stands for it, any other
 * text gets a number of its own once the file has been read.
 */
export class Identifiers {
  /** The first text that was read, for messages. */
  firstText: string | undefined;
  /** What the last value read was, for messages: `"x"`, `1.5`, `a list`. */
  lastSeen = 'nothing';
  private readonly places = new Map<string, number>();

  /**
   * The id that comes next; NaN for a value that is none.
   *
   * @param known ids of texts that another file has
   */
  read(reader: JsonReader, known?: ReadonlyMap<string, number>): number {
    const kind = reader.kind();
    if (kind === 'string') {
      const text = reader.readString();
      this.lastSeen = JSON.stringify(text);
      return known?.get(text) ?? this.ofText(text);
    }
    const value = kind === 'literal' ? reader.readLiteral() : reader.readNumberOrNaN();
    this.lastSeen = kind === 'number' || kind === 'literal' ? String(value) : `an ${kind}`;
    return typeof value === 'number' && Number.isSafeInteger(value) && value > FIRST_PLACE ? value : Number.NaN;
  }

  /** How many texts are no numbers. */
  get numNamed(): number {
    return this.places.size;
  }

  /**
   * Gives texts that are no numbers the numbers above all others, in the order in which the file has them, and returns
   * what each of these numbers was.
   *
   * @param lists of ids of this kind, and of references to them; changed in place
   */
  settle(...lists: ReadonlyArray<Float64Array | number[]>): ReadonlyMap<number, string> {
    const texts = new Map<number, string>();
    if (this.places.size === 0) return texts;
    let highest = 0;
    for (const list of lists) for (const id of list) if (id > highest) highest = id;
    const settled = new Map<number, number>();
    for (const [text, place] of this.places) {
      settled.set(place, ++highest);
      texts.set(highest, text);
    }
    for (const list of lists) {
      for (let index = 0; index < list.length; index++) list[index] = settled.get(list[index]!) ?? list[index]!;
    }
    return texts;
  }

  private ofText(text: string): number {
    if (text === '') return Number.NaN;
    this.firstText ??= text;
    const number = numberOfText(text);
    if (number !== undefined) return number;
    const place = this.places.get(text) ?? FIRST_PLACE - this.places.size;
    this.places.set(text, place);
    return place;
  }
}

/** The whole number that a text is, written as JSON writes it; undefined for any other text. */
export function numberOfText(text: string): number | undefined {
  return /^-?(?:0|[1-9]\d{0,15})$/u.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}
