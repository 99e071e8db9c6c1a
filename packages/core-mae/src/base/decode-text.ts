import { readFileSync, statSync } from 'node:fs';
import { TextDecoder } from 'node:util';
import { MaeError, messageOf } from './errors.js';

export interface TextLimits {
  /** What a file may have at most. Default 64 MiB. */
  readonly maxBytes?: number;
}

/**
 * The text of a file that a person or a tool wrote, whatever it was saved as.
 *
 * @throws MaeError `DATA_INVALID` for a file that is too large or is no text, naming the line, `DATA_NOT_FOUND` where it
 * cannot be read
 */
export function readText(file: string, { maxBytes = 64 << 20 }: TextLimits = {}): string {
  let bytes: Uint8Array;
  try {
    const { size } = statSync(file);
    if (size > maxBytes) {
      throw new MaeError('DATA_INVALID', {
        what: `the file has ${size} bytes, and at most ${maxBytes} are read`,
        where: file,
        fix: 'it is no file of this kind, or several in one',
      });
    }
    bytes = readFileSync(file);
  } catch (cause) {
    if (cause instanceof MaeError) throw cause;
    throw new MaeError('DATA_NOT_FOUND', {
      what: `the file cannot be read (${messageOf(cause)})`,
      where: file,
      fix: 'check the path and its permissions',
      cause,
    });
  }
  return decodeText(bytes, file);
}

/**
 * Text by its byte order mark, the encoding that an XML declaration names, or UTF-8; without the mark.
 *
 * @param file names it in messages
 * @throws MaeError `DATA_INVALID` for an unknown encoding and for bytes that are not of it, naming the line
 */
export function decodeText(bytes: Uint8Array, file: string): string {
  const encoding = markedEncoding(bytes) ?? declaredEncoding(bytes) ?? 'utf-8';
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding, { fatal: true });
  } catch {
    throw new MaeError('DATA_INVALID', {
      what: `its encoding (=${encoding}) is not known`,
      where: `${file}, line 1`,
      fix: 'save it as UTF-8',
    });
  }
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new MaeError('DATA_INVALID', {
      what: `it is no text in ${encoding}`,
      where: `${file}, line ${lineOfFault(bytes, decoder)}`,
      fix: 'save it as UTF-8',
      cause,
    });
  }
}

/** By a byte order mark, or by the zero bytes around the first character of an XML file without one. */
function markedEncoding(bytes: Uint8Array): string | undefined {
  const [first, second, third, fourth] = bytes;
  if (first === 0xff && second === 0xfe) return third === 0 && fourth === 0 ? 'utf-32' : 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0x3c && second === 0) return 'utf-16le';
  return first === 0 && second === 0x3c ? 'utf-16be' : undefined;
}

function declaredEncoding(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256)).toString('latin1');
  const declared = /^(?:ï»¿)?<\?xml[^>]*?\sencoding\s*=\s*["']([^"'<>]*)["']/u.exec(start)?.[1]?.toLowerCase();
  // Text that some tools declare as UTF-16 and save as UTF-8: were it UTF-16, this could not have been read.
  return declared?.startsWith('utf-16') === true ? undefined : declared;
}

function lineOfFault(bytes: Uint8Array, decoder: TextDecoder): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline + 1;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    start = end;
  }
  return line;
}
