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
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  showLines(terminal, `this should not happen: ${text}`);
  return FAILED;
}

function showLines(terminal: Terminal, text: string): void {
  const [first = '', ...details] = text.split('\n');
  terminal.error(first, ...details);
}
