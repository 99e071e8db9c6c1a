import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { MaeError, messageOf } from '../base/errors.js';
import { invalidCheckpoint } from './files/checkpoint-file.js';

/**
 * What a folder's weights are called, in the order in which they are tried: a run's, those of the newest run in a folder
 * of runs, then Hugging Face's.
 */
const IN_FOLDER = [
  'weights/last.safetensors',
  'last.safetensors',
  'latest/weights/last.safetensors',
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
] as const;

const shardIndex = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * The files that hold a checkpoint's weights: the file itself, or those of a folder (a run, a folder of runs, or a model
 * of Hugging Face, in one file or in shards).
 *
 * @throws MaeError `CHECKPOINT_INVALID` if there are none, `PATH_ESCAPES` if an index names a file elsewhere
 */
export async function locateWeights(path: string): Promise<string[]> {
  const kind = await kindOf(path);
  if (kind === undefined) throw invalidCheckpoint(path, 'there is no such checkpoint');
  if (kind === 'file') return path.endsWith('.index.json') ? readShardIndex(path) : [path];
  for (const name of IN_FOLDER) {
    const candidate = join(path, name);
    if ((await kindOf(candidate)) === 'file') return locateWeights(candidate);
  }
  throw invalidCheckpoint(path, `the folder holds no weights (looked for ${IN_FOLDER.join(', ')})`);
}

async function readShardIndex(path: string): Promise<string[]> {
  let weightMap: Record<string, string>;
  try {
    weightMap = shardIndex.parse(JSON.parse(await readFile(path, 'utf8'))).weight_map;
  } catch (error) {
    throw invalidCheckpoint(path, `the index of shards is damaged (${messageOf(error)})`, error);
  }
  const names = [...new Set(Object.values(weightMap))];
  const outside = names.find((name) => name !== basename(name) || name === '..' || name.includes('\\'));
  if (outside !== undefined) {
    throw new MaeError('PATH_ESCAPES', {
      what: `the index names a shard outside of its folder (=${outside})`,
      where: path,
    });
  }
  return names.map((name) => join(path, '..', name));
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw invalidCheckpoint(path, `the checkpoint cannot be read (${messageOf(error)})`, error);
  }
}
