/*
 * checkpoint/files/: files of named tensors: safetensors (written here too) and what decides which format a file has;
 * a tensor is read only when its values are asked for.
 * Not here: what the names mean: `checkpoint/keymaps`.
 * Called by: `checkpoint/` and a run's own checkpoints.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { totalmem } from 'node:os';
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

/** Tensors of the largest checkpoints, an optimizer's included, are a few ten thousand. */
export const MAX_TENSORS = 100_000;
/** Characters of a name from a file: the longest in use have some hundred. */
export const MAX_NAME = 500;

/** A name from a file for messages, cut where it would fill the screen. */
export function shortName(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, 80)}… (${name.length} characters)`;
}

/** An error about this checkpoint's contents. */
export function invalidCheckpoint(path: string, what: string, cause?: unknown): MaeError {
  return new MaeError('CHECKPOINT_INVALID', { what, where: path, cause });
}

/**
 * Checks before anything is allocated that so many bytes of a file's contents fit into memory.
 *
 * @throws MaeError `CHECKPOINT_INVALID`
 */
export function requireMemory(bytes: number, path: string): void {
  // What a container may use; 0 or a huge number where nothing limits the process.
  const limit = process.constrainedMemory();
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  if (bytes <= memory) return;
  throw invalidCheckpoint(
    path,
    `its values take ${gibibytes(bytes)} GiB, more than this machine's memory of ${gibibytes(memory)} GiB`,
  );
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
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
