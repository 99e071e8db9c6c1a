import type { Command } from 'commander';
import { withoutControls } from './text.js';

/** Makes a command and those below it show what a person typed, and never obey it, in help and in their own errors. */
export function showSafely(command: Command): void {
  const { stdout, stderr } = process;
  command.configureOutput({
    writeOut: (text) => stdout.write(withoutControls(text, { lines: true })),
    writeErr: (text) => stderr.write(withoutControls(text, { lines: true })),
    outputError: (text, write) => {
      // A message is one line, but for a suggestion, which is one of the command's own names.
      const [, message, suggestion] = /^([^]*?)(\n\(Did you mean [^\n]*\))?\n*$/u.exec(text)!;
      write(`${withoutControls(message!)}${suggestion ?? ''}\n`);
    },
  });
  for (const below of command.commands) showSafely(below);
}
