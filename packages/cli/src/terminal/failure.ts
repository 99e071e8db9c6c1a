import { CommanderError } from 'commander';
import { createProcessTerminal } from './terminal.js';

/** Exit status of a command that was used wrongly or could not do its work. */
const FAILED = 1;

/** Shows why a command failed and returns its exit status: a person's mistake is shown without a stack trace. */
export function reportFailure(error: unknown): number {
  // Commander has printed its own message already.
  if (error instanceof CommanderError) return error.exitCode;
  const terminal = createProcessTerminal();
  // By name, so that start-up need not load the core for `instanceof`.
  if (error instanceof Error && error.name === 'MaeError') {
    terminal.error(error.message);
    if (process.env.DEBUG !== undefined) terminal.error(error.stack ?? '');
    return FAILED;
  }
  terminal.error(`this should not happen: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return FAILED;
}
