import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { MaeError } from '../../base/errors.js';
import type { RunFolder } from './run-folder.js';

/** Holds a run for one process; released by the process's end at the latest. */
export interface RunLock {
  release(): void;
}

const holderSchema = z.object({
  host: z.string(),
  pid: z.int().positive(),
  /** When the process began, as the system counts it: tells it from a later one of the same number. */
  started: z.string().nullable(),
  since: z.string(),
});
type Holder = z.output<typeof holderSchema>;

/**
 * Takes a run for this process, so that no other trains in its folder. The lock of a process that is no more is taken over.
 *
 * @throws MaeError `RUN_INVALID` naming the process that trains there, `WRITE_FAILED`
 */
export function lockRun({ path: folder }: Pick<RunFolder, 'path'>): RunLock {
  const path = join(folder, 'run.lock');
  const own: Holder = {
    host: hostname(),
    pid: process.pid,
    started: startOf(process.pid),
    since: new Date().toISOString(),
  };
  const text = `${JSON.stringify(own)}\n`;
  if (!tryWrite(path, text)) {
    const holder = holderOf(path);
    if (holder !== undefined && isHeld(holder)) throw taken(holder, own, folder, path);
    unlinkIfThere(path);
    // Another process may have been faster to find the lock stale.
    if (!tryWrite(path, text)) throw taken(holderOf(path), own, folder, path);
  }
  let isReleased = false;
  const release = (): void => {
    if (isReleased) return;
    isReleased = true;
    process.off('exit', release);
    const holder = holderOf(path);
    if (holder?.pid === own.pid && holder.since === own.since) unlinkIfThere(path);
  };
  process.on('exit', release);
  return { release };
}

/** False where the file is there already. */
function tryWrite(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new MaeError('WRITE_FAILED', {
      what: `the run cannot be locked (${code ?? String(cause)})`,
      where: path,
      fix: 'check that the folder can be written to, or name another by --out',
      cause,
    });
  }
}

/** Undefined for a lock that says nothing that can be read: of a process that died while it wrote it. */
function holderOf(path: string): Holder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Whether the process that holds a lock may still be there; of another host nothing is known. */
function isHeld({ host, pid, started }: Holder): boolean {
  if (host !== hostname()) return true;
  if (!isAlive(pid)) return false;
  const now = startOf(pid);
  return started === null || now === null || now === started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of somebody else may not be signalled, but is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process began, in ticks since the system's start and with the system's own name; null where it is not told. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program may hold blanks and brackets; the fields behind its last bracket are numbers.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return ticks === undefined ? null : `${boot} ${ticks}`;
  } catch {
    return null;
  }
}

function taken(holder: Holder | undefined, own: Holder, folder: string, path: string): MaeError {
  const isHere = holder === undefined || holder.host === own.host;
  const who =
    holder === undefined
      ? 'another process'
      : `process ${holder.pid}${isHere ? '' : ` on ${holder.host}`}, since ${holder.since}`;
  return new MaeError('RUN_INVALID', {
    what: `this run is being trained by ${who}`,
    where: folder,
    fix: isHere ? 'wait until it ends, or stop it' : `where that process is no more, remove ${path}`,
  });
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already, which is what was wanted.
  }
}
