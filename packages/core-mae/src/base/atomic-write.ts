import { randomBytes } from 'node:crypto';
import * as nodeFiles from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MaeError, messageOf } from './errors.js';

/** What an atomic write needs of the system; tests replace parts of it to provoke faults. */
export interface FileSystem {
  open(path: string, flags: 'r' | 'wx'): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
  stat(path: string): Promise<{ readonly mtimeMs: number }>;
}

export interface OpenFile {
  write(bytes: Uint8Array, offset: number, length: number): Promise<{ readonly bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A whole file's contents, at once or in pieces. */
export type FileContent = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<Uint8Array>;

/** The most that one call of the system's `write` is given; some systems stop at 2 GiB. */
const PIECE_BYTES = 1 << 28;
/** Short pieces of text are gathered to about this many characters before they are written. */
const GATHERED_LENGTH = 1 << 20;

/**
 * Writes a file so that, after a crash at any moment, its path holds either the previous contents or the new ones,
 * whole: written beside as `.<name>.<process>.<random>.tmp`, flushed, renamed, and the folder flushed. Temporary files
 * that killed processes left for the same path are removed.
 *
 * @throws MaeError `WRITE_FAILED`; the previous file is then intact and no temporary file is left
 */
export async function writeFileAtomically(
  path: string,
  content: FileContent,
  fileSystem: FileSystem = nodeFiles,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await removeStaleTemporaries(path, fileSystem);
    await writeAndSync(temporary, content, fileSystem);
    await fileSystem.rename(temporary, path);
  } catch (error) {
    // Best effort: it does not exist when opening it failed, and the first error is the one to report.
    await fileSystem.unlink(temporary).catch(() => undefined);
    throw writeFailed(path, error, 'a previous file of this name is unchanged');
  }
  try {
    await syncFolder(folder, fileSystem);
  } catch (error) {
    throw writeFailed(path, error, 'the new file is in place, but may not survive a power cut');
  }
}

/** Makes a folder, with those that it lies in, where it is missing. @throws MaeError `WRITE_FAILED` */
export async function createFolder(path: string): Promise<void> {
  try {
    await nodeFiles.mkdir(path, { recursive: true });
  } catch (cause) {
    throw new MaeError('WRITE_FAILED', {
      what: `the folder could not be created: ${messageOf(cause)}`,
      where: path,
      fix: 'name another folder with --out',
      cause,
    });
  }
}

/** The error to throw: WRITE_FAILED for the system's errors, what `content` itself threw as it is. */
function writeFailed(path: string, error: unknown, state: string): unknown {
  if (!isSystemError(error)) return error;
  return new MaeError('WRITE_FAILED', {
    what: `the file could not be written: ${REASONS[error.code] ?? messageOf(error)}`,
    where: path,
    fix: `${REMEDIES[error.code] ?? 'check the folder and try again'}; ${state}`,
    cause: error,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full (ENOSPC)',
  EDQUOT: 'the disk quota is used up (EDQUOT)',
  EROFS: 'the file system is read-only (EROFS)',
  EACCES: 'permission denied (EACCES)',
  EPERM: 'permission denied (EPERM)',
  ENOENT: 'its folder does not exist (ENOENT)',
};

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space or write to another disk',
  EDQUOT: 'free some space or write to another disk',
  EROFS: 'write to another folder',
  EACCES: 'make the folder writable or write to another one',
  EPERM: 'make the folder writable or write to another one',
  ENOENT: 'create it or write to another one',
};

async function writeAndSync(path: string, content: FileContent, fileSystem: FileSystem): Promise<void> {
  const file = await fileSystem.open(path, 'wx');
  try {
    for await (const piece of piecesOf(content)) {
      let written = 0;
      while (written < piece.length) {
        const length = Math.min(PIECE_BYTES, piece.length - written);
        written += (await file.write(piece, written, length)).bytesWritten;
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

function piecesOf(content: FileContent): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return [new TextEncoder().encode(content)];
  if (content instanceof Uint8Array) return [content];
  return Symbol.iterator in content ? gathered(content) : content;
}

function* gathered(pieces: Iterable<string | Uint8Array>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') text += piece;
    if (text !== '' && (typeof piece !== 'string' || text.length >= GATHERED_LENGTH)) {
      yield encoder.encode(text);
      text = '';
    }
    if (typeof piece !== 'string') yield piece;
  }
  if (text !== '') yield encoder.encode(text);
}

/**
 * Makes the rename itself survive a power cut. Windows cannot open folders and orders renames by itself; some network
 * file systems answer EINVAL because they have nothing to flush.
 */
async function syncFolder(folder: string, fileSystem: FileSystem): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await fileSystem.open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

async function removeStaleTemporaries(path: string, fileSystem: FileSystem): Promise<void> {
  const folder = dirname(path);
  const prefix = `.${basename(path)}.`;
  for (const name of await fileSystem.readdir(folder)) {
    if (!name.startsWith(prefix)) continue;
    const owner = /^(\d+)\.[0-9a-f]{12}\.tmp$/.exec(name.slice(prefix.length))?.[1];
    const temporary = join(folder, name);
    if (owner !== undefined && (await isAbandoned(Number(owner), temporary, fileSystem))) {
      await fileSystem.unlink(temporary).catch(ignoreMissing);
    }
  }
}

/** Whether the process that was writing this file has ended. */
async function isAbandoned(owner: number, temporary: string, fileSystem: FileSystem): Promise<boolean> {
  if (owner === process.pid) {
    // In a container a resumed run often has the killed one's number: the file is then older than this process.
    const stats = await fileSystem.stat(temporary).catch(ignoreMissing);
    return stats !== undefined && stats.mtimeMs < performance.timeOrigin;
  }
  try {
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return isSystemError(error) && error.code === 'ESRCH';
  }
}

function ignoreMissing(error: unknown): undefined {
  if (isSystemError(error) && error.code === 'ENOENT') return undefined;
  throw error;
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && !(error instanceof MaeError);
}
