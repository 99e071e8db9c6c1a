import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { MaeError } from '../../base/errors.js';

/** Bytes that come piece by piece, so that a file larger than memory's longest string can be read. */
export interface ByteSource {
  /** Fills `into` from `offset` on; returns the number of bytes written, 0 at the end. */
  read(into: Uint8Array, offset: number): number;
  /** Number of bytes in all, where known; a hint for allocation. */
  readonly size: number;
}

/** A file's bytes; to be closed. @throws MaeError `DATA_NOT_FOUND` */
export function openFileSource(path: string): ByteSource & { close(): void } {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw new MaeError('DATA_NOT_FOUND', {
      what: 'The annotation file cannot be opened',
      where: path,
      fix: 'check the path and its permissions',
      cause,
    });
  }
  const stat = fstatSync(descriptor);
  if (stat.isDirectory()) {
    closeSync(descriptor);
    throw new MaeError('DATA_NOT_FOUND', {
      what: 'The annotation file is a folder',
      where: path,
      fix: 'name the JSON file inside it',
    });
  }
  return {
    size: stat.size,
    read: (into, offset) => readSync(descriptor, into, offset, into.length - offset, null),
    close: () => {
      closeSync(descriptor);
    },
  };
}

/** What `use` returns when given the file's bytes; the file is closed afterwards. @throws MaeError `DATA_NOT_FOUND` */
export function withFileSource<Result>(path: string, use: (source: ByteSource) => Result): Result {
  const source = openFileSource(path);
  try {
    return use(source);
  } finally {
    source.close();
  }
}
