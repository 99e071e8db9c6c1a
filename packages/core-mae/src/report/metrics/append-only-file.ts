import { appendFileSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { MaeError, messageOf } from '../../base/errors.js';

export interface AppendOnlyFile {
  /** @throws MaeError `WRITE_FAILED` */
  append(bytes: string | Uint8Array): void;
  close(): void;
}

/**
 * A file that only grows, created with its folder at the first write. Writes are synchronous: they are small, and when
 * `append` returns the system has them, whatever happens to the process.
 */
export function appendOnlyFile(path: string): AppendOnlyFile {
  let descriptor: number | undefined;
  return {
    append(bytes) {
      try {
        if (descriptor === undefined) {
          mkdirSync(dirname(path), { recursive: true });
          descriptor = openSync(path, 'a');
        }
        appendFileSync(descriptor, bytes);
      } catch (cause) {
        throw new MaeError('WRITE_FAILED', {
          what: `cannot write: ${messageOf(cause)}`,
          where: path,
          fix: 'free space or make the folder writable, then resume the run',
          cause,
        });
      }
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}
