/*
 * terminal/: all that commands show: where words, data and records go (this file), text that cannot command the
 * terminal (`text`), tables, numbers, how a failure is shown. Nothing else in this package may write to stdout or
 * stderr; eslint sees to it.
 * Not here: what is shown: commands and `training/` decide.
 * Called by: every command.
 */

import { harmlessJson } from '@mae-tasks/core-mae/find-plugins';
import picocolors from 'picocolors';
import { displayWidth, truncateToWidth } from './display-width.js';
import { looking, plainText, type Text, withoutControls, writtenText } from './text.js';

/** Something text can be written to. */
export interface TextStream {
  write(text: string): unknown;
}

export interface TerminalOptions {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** Whether stdout carries JSON lines and nothing else. Default false. */
  readonly json?: boolean;
  /** Whether a person looks at stdout. */
  readonly isTTY: boolean;
  /** The window's width now; undefined where it is not known. */
  readonly columns: () => number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** Where a command's words go. Whatever they contain, they are shown and not obeyed: see {@link Text}. */
export interface Terminal {
  readonly json: boolean;
  /** Whether a line can be shown and replaced: a window that a person looks at, not a log or CI. */
  readonly interactive: boolean;
  /** Width of the window in columns. */
  columns(): number;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Writes lines for a person: to stdout, and beside JSON lines to stderr. */
  print(...lines: readonly Text[]): void;
  /** As `print`, for a table of any length. */
  printAll(lines: readonly Text[]): void;
  /** Writes a warning to stderr: one line, and below it, indented, those that belong to it. */
  warn(text: string, ...details: readonly string[]): void;
  /** Writes an error to stderr, as a warning. */
  error(text: string, ...details: readonly string[]): void;
  /** Writes data to stdout for other programs exactly as it is; a person who looks at stdout is shown its lines. */
  data(text: string): void;
  /** Writes an object as one line of JSON; nothing unless `json`. What is not finite becomes null, controls escapes. */
  record(value: Readonly<Record<string, unknown>>): void;
  /** Shows a line in place of the one shown before, cut to the window's width; nothing unless `interactive`. */
  showLive(line: Text): void;
  /** Takes the shown line away. */
  clearLive(): void;
  /** Leaves the terminal as it was found. May be called more than once. */
  close(): void;
}

const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';
const clearLine = '\r\u001b[2K';
const defaultColumns = 80;

/** A terminal on these streams. */
export function createTerminal({ stdout, stderr, json = false, isTTY, columns, env, now }: TerminalOptions): Terminal {
  const isDumb = env.TERM === 'dumb';
  const interactive = isTTY && !json && !isDumb && !isSet(env.CI);
  const colors = picocolors.createColors(wantsColors(env, isTTY && !isDumb));
  const people = json ? stderr : stdout;
  let live: Text | undefined;
  let cursorHidden = false;

  const width = (): number => {
    const known = columns() ?? 0;
    return known > 0 ? known : defaultColumns;
  };
  const draw = (line: Text): void => {
    // The last column stays free: some terminals wrap as soon as it is written.
    const room = width() - 1;
    const plain = plainText(line);
    stdout.write(clearLine + (displayWidth(plain) <= room ? writtenText(line, colors) : truncateToWidth(plain, room)));
  };
  /** Writes whole lines above the live one. */
  const writeLines = (stream: TextStream, lines: readonly Text[]): void => {
    if (live !== undefined) stdout.write(clearLine);
    stream.write(lines.map((line) => `${writtenText(line, colors)}\n`).join(''));
    if (live !== undefined) draw(live);
  };
  /** No line of untrusted text can pass for a message of its own: what belongs to the first is indented. */
  const writeMessage = (label: Text, text: string, details: readonly string[]): void => {
    writeLines(stderr, [[label, ' ', text], ...details.map((line) => `  ${line}`)]);
  };
  const clearLive = (): void => {
    if (live !== undefined) stdout.write(clearLine);
    if (cursorHidden) stdout.write(showCursor);
    live = undefined;
    cursorHidden = false;
  };

  return {
    json,
    interactive,
    columns: width,
    now,
    print: (...lines) => {
      writeLines(people, lines);
    },
    printAll: (lines) => {
      writeLines(people, lines);
    },
    warn: (text, ...details) => {
      writeMessage(looking('yellow', 'warning:'), text, details);
    },
    error: (text, ...details) => {
      writeMessage(looking('red', 'error:'), text, details);
    },
    data: (text) => {
      stdout.write(isTTY ? withoutControls(text, { lines: true }) : text);
    },
    record: (value) => {
      if (json) stdout.write(`${harmlessJson(JSON.stringify(value))}\n`);
    },
    showLive: (line) => {
      if (!interactive) return;
      if (!cursorHidden) stdout.write(hideCursor);
      cursorHidden = true;
      live = line;
      draw(line);
    },
    clearLive,
    close: clearLive,
  };
}

/** Whether a variable says yes, as CI's does. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
}

/** NO_COLOR (no-color.org) wins over FORCE_COLOR, and both over what the stream is. */
function wantsColors(env: TerminalOptions['env'], capable: boolean): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false;
  return isSet(env.FORCE_COLOR) || capable;
}

/**
 * The terminal of this process. Its cursor comes back when the process exits, and a reader that has gone away
 * (`mae-tasks … | head`) does not end a run.
 */
export function createProcessTerminal(options: { readonly json?: boolean } = {}): Terminal {
  const { stdout, stderr, env } = process;
  const terminal = createTerminal({
    stdout,
    stderr,
    isTTY: stdout.isTTY,
    columns: () => stdout.columns,
    env,
    now: () => performance.now(),
    ...options,
  });
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  process.once('exit', () => {
    terminal.close();
  });
  return terminal;
}
