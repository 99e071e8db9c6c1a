import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { MaeError, messageOf } from './errors.js';

/** Bytes gathered before each write. */
const WRITE_BYTES = 1 << 20;

/**
 * What `fill` returns, after it has written a file piece by piece: the file appears whole, or not at all. Its folder is
 * made where it is missing.
 *
 * @throws MaeError `WRITE_FAILED`; whatever `fill` throws
 */
export function writeWholeFile<Result>(path: string, fill: (write: (text: string) => void) => Result): Result {
  const unfinished = `${path}.${process.pid}.unfinished`;
  let isFilling = false;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const descriptor = openSync(unfinished, 'w');
    let text = '';
    const flush = (): void => {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      text = '';
    };
    try {
      isFilling = true;
      const result = fill((piece) => {
        text += piece;
        if (text.length >= WRITE_BYTES) flush();
      });
      isFilling = false;
      flush();
      fsyncSync(descriptor);
      renameSync(unfinished, path);
      return result;
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    rmSync(unfinished, { force: true });
    if (isFilling && !isSystemError(cause)) throw cause;
    throw new MaeError('WRITE_FAILED', {
      what: `the file could not be written (${messageOf(cause)})`,
      where: path,
      fix: 'check the folder, its permissions and the space left',
      cause,
    });
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && !(error instanceof MaeError) && 'syscall' in error;
}
