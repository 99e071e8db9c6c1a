import { type ChildProcess, fork } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Digested, Meal } from './eater.js';

/** A file with what should read it. */
export interface Morsel {
  readonly reader: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Says what it is, for the report of a failure. */
  readonly what: string;
}

export interface Limits {
  /** Of the processor, for one file. */
  readonly seconds: number;
  /** For the process in all. */
  readonly megabytes: number;
}

/** Reads files in a process of its own, one after another, and starts another process where one dies. */
export interface Feeder {
  /** What is wrong with how the file was dealt with; undefined for a file that was read, or refused in words. */
  feed(morsel: Morsel): Promise<string | undefined>;
  close(): void;
}

/** How much longer than its processor's time a file may take where the machine is busy. */
const PATIENCE = 6;

const eater = fileURLToPath(new URL('eater.ts', import.meta.url));
/** A message for people has none of these; a name in a file could, so files have none either. */
const NOT_FOR_PEOPLE = /\[object |\bundefined\b|TypeError|RangeError|at \w+ \(|Cannot read properties/u;

/** @param prepare puts the files into a folder that a file is not read without */
export function createFeeder(limits: Limits, prepare: (folder: string) => void): Feeder {
  const root = mkdtempSync(join(tmpdir(), 'mae-hostile-'));
  let child: ChildProcess | undefined;
  let number = 0;
  return {
    async feed(morsel) {
      const folder = join(root, String(number++));
      mkdirSync(folder);
      prepare(folder);
      const path = join(folder, morsel.name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, morsel.bytes);
      child ??= await startEater();
      const outcome = await eat(child, { reader: morsel.reader, folder, name: morsel.name }, limits.seconds);
      if (outcome.died) child = undefined;
      const fault = outcome.died ? outcome.why : faultOf(outcome.digested, limits);
      if (fault === undefined) {
        rmSync(folder, { recursive: true, force: true });
        return undefined;
      }
      // What a process that needs too much has eaten before is no matter to the next file.
      child?.kill('SIGKILL');
      child = undefined;
      return `${morsel.what}: ${fault} (kept in ${keep(folder)})`;
    },
    close() {
      child?.kill('SIGKILL');
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function faultOf({ error, milliseconds, megabytes }: Digested, limits: Limits): string | undefined {
  if (milliseconds > 1000 * limits.seconds) return `took ${Math.round(milliseconds)} ms`;
  if (megabytes > limits.megabytes) return `took ${Math.round(megabytes)} MB`;
  if (error === undefined) return undefined;
  if (!error.isForPeople) return `an error that is not for people: ${error.stack ?? error.message}`;
  return NOT_FOR_PEOPLE.test(error.message) ? `a message that is not for people: ${error.message}` : undefined;
}

/** Files that were dealt with badly, for whoever mends it. */
function keep(folder: string): string {
  const kept = mkdtempSync(join(tmpdir(), 'mae-hostile-kept-'));
  cpSync(folder, kept, { recursive: true });
  return kept;
}

async function startEater(): Promise<ChildProcess> {
  const child = fork(eater, { execArgv: ['--import', 'tsx', '--max-old-space-size=512'], silent: true });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.once('message', () => {
      resolve();
    });
    child.once('exit', (code) => {
      reject(new Error(`the reading process ended with ${code}: ${said}`));
    });
  });
  return child;
}

type Outcome = { readonly died: false; readonly digested: Digested } | { readonly died: true; readonly why: string };

function eat(child: ChildProcess, meal: Meal, seconds: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const finish = (outcome: Outcome): void => {
      clearTimeout(timer);
      child.removeAllListeners('message').removeAllListeners('exit');
      resolve(outcome);
    };
    const timer = setTimeout(
      () => {
        child.kill('SIGKILL');
        finish({ died: true, why: `was not done after ${PATIENCE * seconds} s` });
      },
      1000 * PATIENCE * seconds,
    );
    child.once('message', (digested: Digested) => {
      finish({ died: false, digested });
    });
    child.once('exit', (code, signal) => {
      finish({ died: true, why: `the process died (${signal ?? code})` });
    });
    child.send(meal);
  });
}
