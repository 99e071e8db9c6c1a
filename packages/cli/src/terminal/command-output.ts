import type { Command } from 'commander';
import { withoutControls } from './text.js';

/** Makes a command and those below it show what a person typed, and never obey it, in help and in their own errors. */
export function showSafely(command: Command): void {
  const { stdout, stderr } = process;
  command.configureOutput({
    writeOut: (text) => stdout.write(withoutControls(text, { lines: true })),
    writeErr: (text) => stderr.write(withoutControls(text, { lines: true })),
  });
  for (const below of command.commands) showSafely(below);
}
