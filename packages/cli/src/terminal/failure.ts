import { CommanderError } from 'commander';
import { createProcessTerminal, type Terminal } from './terminal.js';

/** Exit status of a command that was used wrongly or could not do its work. */
const FAILED = 1;

/** Shows why a command failed and returns its exit status: a person's mistake is shown without a stack trace. */
export function reportFailure(error: unknown): number {
  // Commander has printed its own message already.
  if (error instanceof CommanderError) return error.exitCode;
  const terminal = createProcessTerminal();
  // By name, so that start-up need not load the core for `instanceof`.
  if (error instanceof Error && error.name === 'MaeError') {
    // Ends of lines in what it has from files are written out; those that are left are the message's own.
    showLines(terminal, error.message);
    if (process.env.DEBUG !== undefined) showLines(terminal, error.stack ?? '');
    return FAILED;
  }
  const known = pictureLibraryFailure(error) ?? systemFailure(error);
  if (known !== undefined) {
    terminal.error(known);
    if (process.env.DEBUG !== undefined) showLines(terminal, (error as Error).stack ?? '');
    return FAILED;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  showLines(terminal, `this should not happen: ${text}`);
  return FAILED;
}

/**
 * What to do where sharp's library for this platform is missing, as `npm i --omit=optional` leaves it; undefined for other
 * errors. Whatever reads or draws pictures imports it, and only the text of the error says which it is.
 *
 * @param platform as `process.platform` has it
 */
export function pictureLibraryFailure(error: unknown, platform = process.platform): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, runtime] = /^Could not load the "sharp" module using the (\S+) runtime/u.exec(error.message) ?? [];
  if (runtime === undefined) return undefined;
  // The variable keeps the compiled engine, which comes back as well, from fetching libraries from another host.
  const variable = platform === 'win32' ? '' : 'ONNXRUNTIME_NODE_INSTALL=skip ';
  return (
    `the library that reads pictures is missing: sharp has none for ${runtime}, as after npm's --omit=optional — ` +
    `run: ${variable}npm install --include=optional`
  );
}

/** What people call that which a system answers. */
const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission is missing — check who may read and write there',
  EPERM: 'it is not permitted — check who may read and write there',
  EROFS: 'the file system is read-only — write to another place',
  ENOSPC: 'the disk is full — make room, or write to another place',
  EDQUOT: 'the quota of the disk is used up — make room, or write to another place',
  ENOENT: 'it is not there any more — was it removed or unmounted?',
  ENOTDIR: 'a part of the path is a file — check the path',
  EISDIR: 'it is a folder — name a file',
  ENAMETOOLONG: 'the name is too long — choose a shorter one',
  EMFILE: 'too many files are open in this process — raise the limit (ulimit -n 1024)',
  ENFILE: 'too many files are open on this machine',
  EIO: 'the device answers with an error — check the disk',
  ESTALE: 'the file system is gone — mount it again',
  ENOMEM: 'the memory is used up — use smaller batches, or fewer workers',
};

/** An answer of the operating system as one sentence; undefined for other errors. */
function systemFailure(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  // Node says it of modules that it cannot open, too, and sometimes in the message alone.
  const known =
    code !== undefined && Object.hasOwn(SYSTEM_REASONS, code) ? code : /^(E[A-Z]+): /u.exec(error.message)?.[1];
  const reason = known === undefined ? undefined : SYSTEM_REASONS[known];
  if (reason === undefined) return undefined;
  return `${path ?? syscall ?? 'a file'}: ${reason} (${known})`;
}

function showLines(terminal: Terminal, text: string): void {
  const [first = '', ...details] = text.split('\n');
  terminal.error(first, ...details);
}
