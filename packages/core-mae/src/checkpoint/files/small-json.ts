import { messageOf } from '../../base/errors.js';
import { invalidCheckpoint, withCheckpointFile } from './checkpoint-file.js';
import { findDuplicateKey, measureJson } from './json-keys.js';

/** An index of ten thousand tensors has one megabyte. */
const MAX_BYTES = 2 ** 25;
const MAX_DEPTH = 32;
const MAX_ITEMS = 1_000_000;

/**
 * What a JSON file beside weights says, within bounds of size and depth.
 *
 * @param what the file is, for messages: "the index of shards"
 * @throws MaeError `CHECKPOINT_INVALID`
 */
export async function readSmallJson(path: string, what: string): Promise<unknown> {
  const bytes = await withCheckpointFile(path, async (file) => {
    if (file.size > MAX_BYTES) throw invalidCheckpoint(path, `${what} has ${file.size} bytes (at most ${MAX_BYTES})`);
    return file.read(0, file.size);
  });
  const { depth, numItems } = measureJson(bytes, MAX_DEPTH);
  if (depth > MAX_DEPTH || numItems > MAX_ITEMS) throw invalidCheckpoint(path, `${what} is nested or filled too much`);
  const text = new TextDecoder().decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidCheckpoint(path, `${what} is damaged (${messageOf(error)})`, error);
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) throw invalidCheckpoint(path, `\`${duplicate.slice(0, 80)}\` occurs twice in ${what}`);
  return value;
}
