/*
 * checkpoint/files/: files of named tensors: safetensors (written here too) and what decides which format a file has;
 * a tensor is read only when its values are asked for.
 * Not here: what the names mean: `checkpoint/keymaps`.
 * Called by: `checkpoint/` and a run's own checkpoints.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { MaeError, messageOf } from '../../base/errors.js';

/** An open checkpoint, read by position, so that files larger than memory or than 2 GiB can be read in parts. */
export interface CheckpointFile {
  readonly path: string;
  readonly size: number;
  /** Bytes `[position, position + length)`. @throws MaeError `CHECKPOINT_INVALID` past the file's end. */
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** The most that one call of the system's `read` is asked for; some systems stop at 2 GiB. */
const PIECE_BYTES = 1 << 28;

/**
 * What `use` returns for the opened file, which is closed afterwards.
 *
 * @throws MaeError `CHECKPOINT_INVALID` if it cannot be opened or read
 */
export async function withCheckpointFile<Result>(
  path: string,
  use: (file: CheckpointFile) => Promise<Result>,
): Promise<Result> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw new MaeError('CHECKPOINT_INVALID', {
      what: isMissing(error) ? 'there is no such checkpoint' : `the checkpoint cannot be opened: ${messageOf(error)}`,
      where: path,
      cause: error,
    });
  }
  try {
    const { size } = await handle.stat();
    return await use({ path, size, read: (position, length) => readRange(handle, path, size, position, length) });
  } finally {
    await handle.close();
  }
}

/** An error about this checkpoint's contents. */
export function invalidCheckpoint(path: string, what: string, cause?: unknown): MaeError {
  return new MaeError('CHECKPOINT_INVALID', { what, where: path, cause });
}

async function readRange(
  handle: FileHandle,
  path: string,
  size: number,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  // Checked before the allocation: a length from a hostile header must not reserve memory.
  if (position < 0 || length < 0 || position + length > size) {
    throw invalidCheckpoint(path, `the file ends at byte ${size}, but ${position + length} are needed`);
  }
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, Math.min(PIECE_BYTES, length - filled), position + filled);
    if (bytesRead === 0) throw invalidCheckpoint(path, `the file was shortened while it was read`);
    filled += bytesRead;
  }
  return bytes;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
