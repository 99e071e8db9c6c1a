import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { MaeError, messageOf } from '../base/errors.js';
import { invalidCheckpoint, shortName } from './files/checkpoint-file.js';
import { readSmallJson } from './files/small-json.js';

/** What a run's weights are called in its folder, or those of the newest run in a folder of runs, in the order of trying. */
const OF_RUNS = ['weights/last.safetensors', 'last.safetensors', 'latest/weights/last.safetensors'] as const;

/** What Hugging Face's are called, in the order of trying. */
const OF_HUGGING_FACE = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
] as const;

const INDEX = '.index.json';
/** One file of several, as Hugging Face names them: `model-00001-of-00002.safetensors`. */
const SHARD = /^(.*)-(\d{5})-of-(\d{5})(\.\w+)$/;
const MAX_SHARDS = 10_000;

const shardIndex = z.object({ weight_map: z.record(z.string(), z.string()) });

/** The files of a checkpoint. */
export interface LocatedWeights {
  readonly files: readonly string[];
  /** By name of a tensor, the file that holds it, where an index says so. */
  readonly index?: ReadonlyMap<string, string>;
}

/**
 * The files that hold a checkpoint's weights: the file itself, or those of a folder (a run, a folder of runs, or a model
 * of Hugging Face, in one file or in shards). One shard stands for all of them.
 *
 * @throws MaeError `CHECKPOINT_INVALID` if there are none, or shards are missing; `PATH_ESCAPES` if an index names a file
 * elsewhere
 */
export async function locateWeights(path: string): Promise<LocatedWeights> {
  const kind = await kindOf(path);
  if (kind === undefined) throw invalidCheckpoint(path, 'there is no such checkpoint');
  if (kind === 'file') return locateFile(path);
  const found = await findInFolder(path, [...OF_RUNS, ...OF_HUGGING_FACE]);
  if (found !== undefined) return locateFile(found);
  throw invalidCheckpoint(
    path,
    `the folder holds no weights (looked for ${[...OF_RUNS, ...OF_HUGGING_FACE].join(', ')})`,
  );
}

/** Whether a folder holds weights as Hugging Face lays them out, and is no run's. */
export async function holdsForeignWeights(folder: string): Promise<boolean> {
  return (await findInFolder(folder, OF_HUGGING_FACE)) !== undefined;
}

/** The first of these files that a folder has, or else the first shard in it. */
async function findInFolder(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const candidate = join(folder, name);
    if ((await kindOf(candidate)) === 'file') return candidate;
  }
  const shard = (await namesIn(folder)).filter((name) => SHARD.test(name)).sort()[0];
  return shard === undefined ? undefined : join(folder, shard);
}

async function locateFile(path: string): Promise<LocatedWeights> {
  if (path.endsWith(INDEX)) return requireAll(await readShardIndex(path), path);
  const [folder, name] = [dirname(path), basename(path)];
  const indices = (await namesIn(folder)).filter((each) => each.endsWith(INDEX)).sort();
  // Whatever the index is called: a file that it lists is a part, and not a model.
  for (const index of indices) {
    const located = await readShardIndex(join(folder, index)).catch(() => undefined);
    if (located !== undefined && located.files.length > 1 && located.files.includes(join(folder, name))) {
      return requireAll(located, path);
    }
  }
  const [, stem, , count, extension] = SHARD.exec(name) ?? [];
  if (count === undefined || Number(count) < 2) return { files: [path] };
  if (Number(count) > MAX_SHARDS) throw invalidCheckpoint(path, `it would be one of ${Number(count)} shards`);
  const files = Array.from({ length: Number(count) }, (_, at) =>
    join(folder, `${stem}-${String(at + 1).padStart(5, '0')}-of-${count}${extension}`),
  );
  return requireAll({ files }, path);
}

/** @throws MaeError `CHECKPOINT_INVALID` naming the shards that are not there */
async function requireAll(located: LocatedWeights, path: string): Promise<LocatedWeights> {
  const missing: string[] = [];
  for (const file of located.files) if ((await kindOf(file)) !== 'file') missing.push(basename(file));
  if (missing.length === 0) return located;
  const listed = missing.slice(0, 5).join(', ');
  throw new MaeError('CHECKPOINT_INVALID', {
    what: `this checkpoint has ${located.files.length} shards, and ${missing.length} of them ${missing.length === 1 ? 'is' : 'are'} missing: ${listed}${missing.length > 5 ? ', …' : ''}`,
    where: path,
    fix: 'put all shards into one folder',
  });
}

async function readShardIndex(path: string): Promise<LocatedWeights> {
  const parsed = shardIndex.safeParse(await readSmallJson(path, 'the index of shards'));
  if (!parsed.success) {
    throw invalidCheckpoint(path, 'the index of shards is damaged: it needs a "weight_map" from names to files');
  }
  const weightMap = Object.entries(parsed.data.weight_map);
  const names = [...new Set(weightMap.map(([, file]) => file))];
  const outside = names.find((name) => name !== basename(name) || name === '..' || name.includes('\\'));
  if (outside !== undefined) {
    throw new MaeError('PATH_ESCAPES', {
      what: `the index names a shard outside of its folder (=${shortName(outside)})`,
      where: path,
    });
  }
  if (names.length === 0 || names.length > MAX_SHARDS) {
    throw invalidCheckpoint(path, `the index names ${names.length} shards`);
  }
  const folder = dirname(path);
  return {
    files: names.map((name) => join(folder, name)),
    index: new Map(weightMap.map(([tensor, file]) => [tensor, join(folder, file)])),
  };
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
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
