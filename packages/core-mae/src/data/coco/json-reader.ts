import { MaeError } from '../../base/errors.js';
import type { ByteSource } from './byte-source.js';
import type { GrowingBytes, GrowingFloat64 } from '../masks/growing.js';

export type JsonKind = 'number' | 'string' | 'object' | 'array' | 'literal';

/** Bytes read at once. */
const CHUNK_BYTES = 1 << 20;
/** A longer string or number is no annotation; the limit bounds the memory that a hostile file can ask for. */
const MAX_TOKEN_BYTES = 1 << 28;
const MAX_DEPTH = 128;
const MAX_KNOWN_KEYS = 1024;
/** Up to here a quotient of two exactly represented numbers is the nearest double (Clinger 1990, §3). */
const MAX_EXACT_DIGITS = 15;
const POWERS_OF_TEN = Float64Array.from({ length: MAX_EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);
const NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Reads JSON of any size from front to back, value by value, without building it in memory. The caller asks for what
 * it expects next; everything else is an error that names the file and the byte. Python's `NaN` and `Infinity` are read
 * as numbers and counted in `numNonFinite`, so that the caller can say which record holds them.
 *
 * Kept in one file although it is long: every method works on the same window of bytes, which moves under it.
 */
export class JsonReader {
  /** How many `NaN` and `Infinity` have been read so far. */
  numNonFinite = 0;

  private readonly source: ByteSource;
  private readonly name: string;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private readonly knownKeys = new Map<number, { bytes: Uint8Array; key: string }>();
  /** Holds one byte more than is read into it: a 0 behind the last byte ends every inner loop. */
  private buffer: Buffer;
  private position = 0;
  private end = 0;
  private bytesBefore = 0;
  private mark = -1;
  private depth = 0;

  constructor(source: ByteSource, name: string) {
    this.source = source;
    this.name = name;
    this.buffer = Buffer.alloc(Math.min(CHUNK_BYTES, Math.max(64, source.size)) + 1);
    while (this.end < 3 && this.refill(0));
    // The byte-order mark that Windows editors write.
    if (this.buffer[0] === 0xef && this.buffer[1] === 0xbb && this.buffer[2] === 0xbf) this.position = 3;
  }

  /** What comes next, without reading it. */
  kind(): JsonKind {
    const byte = this.next();
    if (byte === QUOTE) return 'string';
    if (byte === OPEN_BRACE) return 'object';
    if (byte === OPEN_BRACKET) return 'array';
    if (byte === MINUS || (byte >= ZERO && byte <= NINE) || byte === 0x4e || byte === 0x49) return 'number';
    if (byte === 0x74 || byte === 0x66 || byte === 0x6e) return 'literal';
    throw this.unexpected('a value');
  }

  /** Reads an object; `member` must read exactly the value that belongs to the key. */
  readObject(member: (key: string) => void): void {
    if (!this.entersObject()) return;
    do member(this.readMemberKey());
    while (!this.leaves(CLOSE_BRACE));
  }

  /** The keys of an object, one by one; whoever asks for the next has read exactly the value of the last. */
  *members(): Generator<string> {
    if (!this.entersObject()) return;
    do yield this.readMemberKey();
    while (!this.leaves(CLOSE_BRACE));
  }

  /** Reads an array; `element` must read exactly one value. */
  readArray(element: () => void): void {
    if (!this.entersArray()) return;
    do element();
    while (!this.leaves(CLOSE_BRACKET));
  }

  /** The values of an array as they are written, each valid until the next is asked for. */
  *rawElements(): Generator<Uint8Array> {
    if (!this.entersArray()) return;
    do yield this.readRaw();
    while (!this.leaves(CLOSE_BRACKET));
  }

  /**
   * Reads an array of numbers to the end of `into` and returns how many there were. Anything else in the array is
   * read as NaN and counted as not finite.
   */
  readNumbers(into: GrowingFloat64): number {
    this.expect(OPEN_BRACKET, 'an array');
    if (this.next() === CLOSE_BRACKET) {
      this.position++;
      return 0;
    }
    const before = into.length;
    for (;;) {
      if (this.buffer[this.position] === 0x20) this.position++;
      const number = this.quickNumber();
      if (number === number) {
        into.push(number);
        const separator = this.buffer[this.position];
        if (separator === COMMA) {
          this.position++;
          continue;
        }
      } else {
        into.push(this.readNumberOrNaN());
      }
      if (this.endsAfterSeparator(CLOSE_BRACKET)) return into.length - before;
    }
  }

  /** Reads a number; any other value is read too and given as NaN, counted as not finite. */
  readNumberOrNaN(): number {
    if (this.kind() === 'number') return this.readNumber();
    this.skipValue();
    this.numNonFinite++;
    return Number.NaN;
  }

  readNumber(): number {
    this.next();
    const number = this.quickNumber();
    return number === number ? number : this.carefulNumber();
  }

  readString(): string {
    if (this.next() !== QUOTE) throw this.unexpected('a string');
    const { start, end, plain } = this.scanString();
    return plain ? this.buffer.toString('latin1', start, end) : this.decodeString(start, end);
  }

  /** Appends a string's characters as bytes; characters above 255 become 255. */
  readStringBytes(into: GrowingBytes): void {
    if (this.next() !== QUOTE) throw this.unexpected('a string');
    const { start, end, plain } = this.scanString();
    if (plain) {
      into.append(this.buffer.subarray(start, end));
      return;
    }
    const lengthBefore = into.length;
    into.reserve(end - start);
    for (let at = start; at < end; at++) {
      const byte = this.buffer[at]!;
      // Run lengths hold backslashes, each written twice; anything else unusual takes the careful way.
      if (byte === BACKSLASH && this.buffer[at + 1] === BACKSLASH) at++;
      else if (byte === BACKSLASH || byte > 127) {
        into.length = lengthBefore;
        const text = this.decodeString(start, end);
        for (let i = 0; i < text.length; i++) into.push(Math.min(255, text.charCodeAt(i)));
        return;
      }
      into.push(byte);
    }
  }

  /** Reads `true`, `false` or `null`. */
  readLiteral(): boolean | null {
    const byte = this.next();
    if (byte === 0x74) return this.expectWord('true', true);
    if (byte === 0x66) return this.expectWord('false', false);
    return this.expectWord('null', null);
  }

  skipValue(): void {
    switch (this.kind()) {
      case 'number': {
        const before = this.numNonFinite;
        this.readNumber();
        if (this.numNonFinite !== before) throw this.fail('NaN and Infinity are no JSON', notJsonNumberFix);
        return;
      }
      case 'string': {
        const { start, end, plain } = this.scanString();
        if (!plain) this.decodeString(start, end);
        return;
      }
      case 'object':
        this.readObject(() => {
          this.skipValue();
        });
        return;
      case 'array':
        this.readArray(() => {
          this.skipValue();
        });
        return;
      case 'literal':
        this.readLiteral();
        return;
    }
  }

  /** Reads a value and returns its bytes as they stand in the file. */
  readRaw(): Uint8Array {
    this.next();
    this.mark = this.position;
    this.skipValue();
    const raw = Uint8Array.from(this.buffer.subarray(this.mark, this.position));
    this.mark = -1;
    return raw;
  }

  /** @throws MaeError `ANNOTATION_INVALID` unless only white space is left. */
  finish(): void {
    if (this.next() !== -1) throw this.unexpected('the end of the file');
  }

  /** An error at the present byte. */
  fail(problem: string, fix: string): MaeError {
    return new MaeError('ANNOTATION_INVALID', {
      what: problem,
      where: `${this.name}, byte ${this.bytesBefore + this.position}`,
      fix,
    });
  }

  private unexpected(wanted: string): MaeError {
    const byte = this.next();
    if (byte === -1) {
      return this.fail(
        `The file ends where ${wanted} should be`,
        'it was cut off while being written or copied: get it again',
      );
    }
    const character = byte >= 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte ${byte}`;
    return this.fail(`Not valid JSON: ${character} where ${wanted} should be`, 'write the file with a JSON library');
  }

  /** The next byte that is not white space, not yet consumed; −1 at the end of the file. */
  private next(): number {
    for (;;) {
      const buffer = this.buffer;
      let at = this.position;
      let byte = buffer[at]!;
      while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = buffer[++at]!;
      this.position = at;
      if (at < this.end) return byte;
      if (!this.refill(at)) return -1;
    }
  }

  private expect(byte: number, wanted: string): void {
    if (this.next() !== byte) throw this.unexpected(wanted);
    this.position++;
  }

  /** Consumes a comma (false) or the closing bracket (true). */
  private endsAfterSeparator(close: number): boolean {
    const byte = this.next();
    if (byte !== COMMA && byte !== close) throw this.unexpected(`a comma or "${String.fromCharCode(close)}"`);
    this.position++;
    return byte === close;
  }

  /** Whether there is a member to read. */
  private entersObject(): boolean {
    this.expect(OPEN_BRACE, 'an object');
    return this.enters(CLOSE_BRACE);
  }

  /** Whether there is an element to read. */
  private entersArray(): boolean {
    this.expect(OPEN_BRACKET, 'an array');
    return this.enters(CLOSE_BRACKET);
  }

  private enters(close: number): boolean {
    if (++this.depth > MAX_DEPTH) {
      throw this.fail(`Values are nested more than ${MAX_DEPTH} deep`, 'this is no annotation file');
    }
    if (this.next() !== close) return true;
    this.position++;
    this.depth--;
    return false;
  }

  private leaves(close: number): boolean {
    if (!this.endsAfterSeparator(close)) return false;
    this.depth--;
    return true;
  }

  private readMemberKey(): string {
    if (this.next() !== QUOTE) throw this.unexpected('a key in double quotes');
    const key = this.readKey();
    this.expect(COLON, 'a colon');
    return key;
  }

  private expectWord<Value>(word: string, value: Value): Value {
    while (this.end - this.position < word.length && this.refill(this.position));
    for (let i = 0; i < word.length; i++) {
      if (this.buffer[this.position + i] !== word.charCodeAt(i)) throw this.unexpected('a value');
    }
    this.position += word.length;
    return value;
  }

  /** A number in the usual form with few enough digits to be exact; NaN, and nothing consumed, for all others. */
  private quickNumber(): number {
    const buffer = this.buffer;
    let at = this.position;
    let byte = buffer[at]!;
    const negative = byte === MINUS;
    if (negative) byte = buffer[++at]!;
    const start = at;
    let mantissa = 0;
    while (byte >= ZERO && byte <= NINE) {
      mantissa = mantissa * 10 + (byte - ZERO);
      byte = buffer[++at]!;
    }
    let numDigits = at - start;
    if (numDigits === 0 || (numDigits > 1 && buffer[start] === ZERO)) return Number.NaN;
    let numDecimals = 0;
    if (byte === POINT) {
      const point = at;
      byte = buffer[++at]!;
      while (byte >= ZERO && byte <= NINE) {
        mantissa = mantissa * 10 + (byte - ZERO);
        byte = buffer[++at]!;
      }
      numDecimals = at - point - 1;
      if (numDecimals === 0) return Number.NaN;
      numDigits += numDecimals;
    }
    if (numDigits > MAX_EXACT_DIGITS || byte === 0x65 || byte === 0x45 || at >= this.end) return Number.NaN;
    this.position = at;
    const value = numDecimals === 0 ? mantissa : mantissa / POWERS_OF_TEN[numDecimals]!;
    return negative ? -value : value;
  }

  private carefulNumber(): number {
    const first = this.next();
    let length = 0;
    for (;;) {
      let byte = this.buffer[this.position + length]!;
      while ((byte >= ZERO && byte <= NINE) || byte === POINT || byte === MINUS || isSignOrLetter(byte)) {
        byte = this.buffer[this.position + ++length]!;
      }
      if (this.position + length < this.end || !this.refill(this.position)) break;
    }
    const text = this.buffer.toString('latin1', this.position, this.position + length);
    if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') {
      this.numNonFinite++;
      this.position += length;
      return Number(text);
    }
    if (!NUMBER.test(text)) {
      if (first === -1) throw this.unexpected('a number');
      throw this.fail(`Not valid JSON: "${text.slice(0, 40)}" is no number`, 'write the file with a JSON library');
    }
    this.position += length;
    const value = Number(text);
    if (!Number.isFinite(value)) this.numNonFinite++;
    return value;
  }

  /** Finds a string's end; afterwards the position is behind its closing quote. */
  private scanString(): { start: number; end: number; plain: boolean } {
    let offset = 1;
    let plain = true;
    for (;;) {
      const buffer = this.buffer;
      let at = this.position + offset;
      let byte = buffer[at]!;
      while (byte !== QUOTE && byte !== BACKSLASH && byte >= 0x20) {
        if (byte > 127) plain = false;
        byte = buffer[++at]!;
      }
      offset = at - this.position;
      if (at >= this.end || (byte === BACKSLASH && at + 1 >= this.end)) {
        if (this.refill(this.position)) continue;
        throw this.fail('The file ends inside a string', 'it was cut off while being written or copied: get it again');
      }
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH) {
        throw this.fail(`Not valid JSON: control character ${byte} in a string`, 'write the file with a JSON library');
      }
      plain = false;
      offset += 2;
    }
    const start = this.position + 1;
    const end = this.position + offset;
    this.position = end + 1;
    return { start, end, plain };
  }

  private decodeString(start: number, end: number): string {
    try {
      const text = this.decoder.decode(this.buffer.subarray(start, end));
      return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
    } catch (cause) {
      const problem = cause instanceof SyntaxError ? 'a string has an unknown escape' : 'a string is not UTF-8';
      throw new MaeError('ANNOTATION_INVALID', {
        what: `Not valid JSON: ${problem}`,
        where: `${this.name}, byte ${this.bytesBefore + start}`,
        fix: 'save the file as UTF-8 with a JSON library',
        cause,
      });
    }
  }

  /** A key, as the same string object every time it occurs. */
  private readKey(): string {
    const { start, end, plain } = this.scanString();
    let hash = end - start;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + this.buffer[at]!) | 0;
    const known = this.knownKeys.get(hash);
    if (known !== undefined && sameBytes(known.bytes, this.buffer, start, end)) return known.key;
    const key = plain ? this.buffer.toString('latin1', start, end) : this.decodeString(start, end);
    if (known === undefined && this.knownKeys.size < MAX_KNOWN_KEYS) {
      this.knownKeys.set(hash, { bytes: Uint8Array.from(this.buffer.subarray(start, end)), key });
    }
    return key;
  }

  /** Drops what lies before `keep` and reads on; `position` moves with its byte. False at the end of the file. */
  private refill(keep: number): boolean {
    const from = this.mark < 0 ? keep : Math.min(keep, this.mark);
    this.buffer.copyWithin(0, from, this.end);
    this.end -= from;
    this.position -= from;
    this.bytesBefore += from;
    if (this.mark >= 0) this.mark -= from;
    const capacity = this.buffer.length - 1;
    if (this.end === capacity) {
      if (capacity >= MAX_TOKEN_BYTES) throw this.fail('A value is too long', 'this is no annotation file');
      const larger = Buffer.alloc(2 * capacity + 1);
      this.buffer.copy(larger, 0, 0, this.end);
      this.buffer = larger;
    }
    const numRead = this.source.read(this.buffer.subarray(0, this.buffer.length - 1), this.end);
    this.end += numRead;
    this.buffer[this.end] = 0;
    return numRead > 0;
  }
}

const notJsonNumberFix =
  "Python's json module writes NaN where a number is missing: correct the value and write with allow_nan=False";

function isSignOrLetter(byte: number): boolean {
  return byte === 0x2b || (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a);
}

function sameBytes(bytes: Uint8Array, buffer: Uint8Array, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== buffer[start + i]) return false;
  return true;
}
