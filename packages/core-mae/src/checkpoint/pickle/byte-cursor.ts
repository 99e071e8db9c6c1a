/** A position in a pickle's bytes; every read checks that the bytes are there. */
export interface ByteCursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  position: number;
}

export function cursorAt(bytes: Uint8Array, position: number): ByteCursor {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), position };
}

/** The next `length` bytes, without a copy. @throws RangeError past the end */
export function take(cursor: ByteCursor, length: number): Uint8Array {
  const start = advance(cursor, length);
  return cursor.bytes.subarray(start, start + length);
}

/** The position of the next `length` bytes, which are then behind the cursor. @throws RangeError past the end */
export function advance(cursor: ByteCursor, length: number): number {
  const start = cursor.position;
  if (length > cursor.bytes.length - start) throw new RangeError('the pickle is cut off');
  cursor.position = start + length;
  return start;
}

export function readByte(cursor: ByteCursor): number {
  return cursor.view.getUint8(advance(cursor, 1));
}

export function readUint16(cursor: ByteCursor): number {
  return cursor.view.getUint16(advance(cursor, 2), true);
}

export function readUint32(cursor: ByteCursor): number {
  return cursor.view.getUint32(advance(cursor, 4), true);
}

export function readInt32(cursor: ByteCursor): number {
  return cursor.view.getInt32(advance(cursor, 4), true);
}

/** A 64-bit length; above 2^53 it is not exact, but then past the end in any case. */
export function readUint64(cursor: ByteCursor): number {
  return Number(cursor.view.getBigUint64(advance(cursor, 8), true));
}

export function readFloat64(cursor: ByteCursor): number {
  return cursor.view.getFloat64(advance(cursor, 8), false);
}

/** A little-endian integer in two's complement, as a number where that is exact. */
export function readLong(cursor: ByteCursor, length: number): number | bigint {
  if (length === 0) return 0;
  const bigEndian = Buffer.from(take(cursor, length)).reverse();
  const value = BigInt.asIntN(8 * length, BigInt(`0x${bigEndian.toString('hex')}`));
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Text up to the next line feed, which is skipped. */
export function readLine(cursor: ByteCursor): string {
  const end = cursor.bytes.indexOf(0x0a, cursor.position);
  if (end < 0) throw new RangeError('the pickle is cut off');
  const line = readText(cursor, end - cursor.position);
  cursor.position++;
  return line;
}

export function readText(cursor: ByteCursor, length: number): string {
  return utf8.decode(take(cursor, length));
}

/** Bytes of a Python 2 string, one character each. */
export function readLatin1(cursor: ByteCursor, length: number): string {
  const bytes = take(cursor, length);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
