import { stripVTControlCharacters } from 'node:util';
import { loadTextMeasures } from '../../packages/cli/src/terminal/display-width.js';
import { createTerminal, type Terminal, type TerminalOptions } from '../../packages/cli/src/terminal/terminal.js';

// As the program does before a command begins.
await loadTextMeasures();

export interface Screen {
  readonly terminal: Terminal;
  /** All that was written, one entry a write. */
  readonly stdout: string[];
  readonly stderr: string[];
  /** The lines that a person sees of stdout: carriage returns and line erasure carried out. */
  readonly visible: () => string[];
  /** Lets time pass. */
  wait(milliseconds: number): void;
}

export function openScreen(options: Partial<Omit<TerminalOptions, 'stdout' | 'stderr' | 'now'>> = {}): Screen {
  const stdout: string[] = [];
  const stderr: string[] = [];
  let time = 0;
  const terminal = createTerminal({
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
    isTTY: true,
    columns: () => 80,
    env: {},
    now: () => time,
    ...options,
  });
  return {
    terminal,
    stdout,
    stderr,
    visible: () =>
      stdout
        .join('')
        .split('\n')
        .map((line) => line.split('\r\u001b[2K').at(-1)!)
        // What is left are colours and the cursor's coming and going.
        .map((line) => stripVTControlCharacters(line)),
    wait(milliseconds) {
      time += milliseconds;
    },
  };
}
