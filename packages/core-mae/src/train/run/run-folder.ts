import { lstat, mkdir, readdir, readlink, rename, rmdir, stat, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { readSettingsFile } from '../settings/read-settings-file.js';
import { createFolder, writeFileAtomically } from '../../base/atomic-write.js';
import { MaeError, messageOf } from '../../base/errors.js';

/** The files of one run. */
export interface RunFolder {
  /** Absolute. */
  readonly path: string;
  readonly name: string;
  readonly config: string;
  readonly environment: string;
  readonly metrics: string;
  readonly results: string;
  readonly curves: { readonly svg: string; readonly png: string };
  readonly report: string;
  readonly events: string;
  /** Names of the pictures that the run has. */
  readonly pictures: string;
  readonly samples: string;
  readonly weights: { readonly last: string; readonly best: string };
}

/** Name of the link beside the runs that points at the newest. */
const LATEST = 'latest';

/** Where the files of the run in this folder are. */
export function runFolderAt(path: string): RunFolder {
  const root = resolve(path);
  return {
    path: root,
    name: basename(root),
    config: join(root, 'config.yaml'),
    environment: join(root, 'environment.json'),
    metrics: join(root, 'metrics.jsonl'),
    results: join(root, 'results.csv'),
    curves: { svg: join(root, 'curves.svg'), png: join(root, 'curves.png') },
    report: join(root, 'report.html'),
    events: join(root, 'events'),
    pictures: join(root, 'pictures.json.gz'),
    samples: join(root, 'samples'),
    weights: { last: join(root, 'weights', 'last.safetensors'), best: join(root, 'weights', 'best.safetensors') },
  };
}

/** Folders that were made for runs that have not begun yet. */
const planned = new Set<string>();

/**
 * Makes the folder of a new run, so that no other process takes the same; a run that cannot start gives it back by
 * `discardRunFolder`. A folder whose run was ended before its first checkpoint holds nothing, and may be used again.
 *
 * @param path the folder, or undefined for the next free `run<N>` below `runs/<command>/`
 * @throws MaeError `RUN_INVALID` where the folder holds a run already, `WRITE_FAILED`
 */
export async function planRunFolder(path: string | undefined, command: string): Promise<RunFolder> {
  if (path === undefined) return nextRunFolder(resolve('runs', command));
  const run = runFolderAt(path);
  if (await hasBegun(run)) {
    throw new MaeError('RUN_INVALID', {
      what: 'the folder holds a run already',
      where: run.path,
      fix: 'resume it by --resume, or name another folder with --out',
    });
  }
  await createFolder(dirname(run.path));
  if (await makeFolder(run.path)) planned.add(run.path);
  return run;
}

/** Removes a planned run's folder where nothing was written into it. */
export async function discardRunFolder(run: RunFolder): Promise<void> {
  if (!planned.delete(run.path) || (await exists(run.config))) return;
  for (const folder of [run.samples, dirname(run.weights.last), run.path]) await rmdir(folder).catch(() => undefined);
}

/** Whether a run has come as far as its first checkpoint; otherwise there is nothing in it to go on from. */
export async function hasBegun(run: RunFolder): Promise<boolean> {
  return (await exists(run.config)) && (await exists(run.weights.last));
}

/** Makes the first `run<N>` that no other process has made, whichever of them is faster. */
async function nextRunFolder(parent: string): Promise<RunFolder> {
  await createFolder(parent);
  const names = await readdir(parent);
  const taken = names.map((name) => Number(/^run(\d+)$/.exec(name)?.[1] ?? 0));
  for (let number = taken.reduce((most, each) => Math.max(most, each), 0) + 1; ; number++) {
    const run = runFolderAt(join(parent, `run${number}`));
    if (!(await makeFolder(run.path))) continue;
    planned.add(run.path);
    return run;
  }
}

/** Whether the folder was made; false where it is there already. @throws MaeError `WRITE_FAILED` */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new MaeError('WRITE_FAILED', {
      what: `the folder cannot be made: ${messageOf(cause)}`,
      where: path,
      fix: 'name another by --out',
      cause,
    });
  }
}

/**
 * Fills a planned run's folder with its configuration and environment, and points `latest` beside it there.
 *
 * @throws MaeError `WRITE_FAILED`
 */
export async function createRunFolder(
  run: RunFolder,
  config: Readonly<Record<string, unknown>>,
  environment: object,
): Promise<void> {
  await createFolder(dirname(run.weights.last));
  await createFolder(run.samples);
  await writeFileAtomically(run.environment, `${JSON.stringify(environment, null, 2)}\n`);
  await writeRunConfig(run, config);
  if (/^run\d+$/.test(run.name)) await pointLatestAt(run);
}

/** Writes a run's configuration. @throws MaeError `WRITE_FAILED` */
export async function writeRunConfig(run: RunFolder, config: Readonly<Record<string, unknown>>): Promise<void> {
  await writeFileAtomically(run.config, stringify(config));
}

/**
 * The folder of a run that exists: the run itself, or `latest` among the runs in it.
 *
 * @throws MaeError `RUN_INVALID` where there is none
 */
export async function findRunFolder(path: string): Promise<RunFolder> {
  for (const candidate of [path, join(path, LATEST)]) {
    const run = runFolderAt(await followLink(resolve(candidate)));
    if (await exists(run.config)) return run;
  }
  throw new MaeError('RUN_INVALID', {
    what: 'there is no run here',
    where: resolve(path),
    fix: 'name a folder that holds a config.yaml, or start a run without --resume',
  });
}

/** The configuration that a run was started with. @throws MaeError `RUN_INVALID` */
export async function readRunConfig(run: RunFolder): Promise<unknown> {
  try {
    return await Promise.resolve(readSettingsFile(run.config, "run's configuration"));
  } catch (cause) {
    if (!(cause instanceof MaeError)) throw cause;
    const { what, where, fix } = cause;
    throw new MaeError('RUN_INVALID', { what, where, fix, cause });
  }
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function pointLatestAt(run: RunFolder): Promise<void> {
  const link = join(dirname(run.path), LATEST);
  const beside = `${link}.${process.pid}.tmp`;
  try {
    await unlink(beside).catch(() => undefined);
    await symlink(run.name, beside, 'dir');
    await rename(beside, link);
  } catch {
    // Some systems forbid links; the runs' own names still work.
    await unlink(beside).catch(() => undefined);
  }
}

async function followLink(path: string): Promise<string> {
  const isLink = (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true;
  return isLink ? resolve(dirname(path), await readlink(path)) : path;
}
