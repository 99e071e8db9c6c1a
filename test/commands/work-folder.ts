import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { type CliResult, runCli } from './run-cli.js';

export const MINUTES = 60_000;

/** A folder to run commands in. */
export interface WorkFolder {
  /** The path of something in it. */
  readonly path: (...names: readonly string[]) => string;
  /** Runs a command to its end, however it ends. */
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  /** What a command that must succeed prints on stdout. */
  readonly succeeding: (...args: readonly string[]) => Promise<string>;
  /** What a command that must fail prints on stderr: words for people, and no stack trace. */
  readonly failing: (...args: readonly string[]) => Promise<string>;
}

/** A new folder for the tests of a file, removed after them. */
export function useWorkFolder(): WorkFolder {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mae-tasks-commands-')));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const run = (...args: readonly string[]): Promise<CliResult> => runCli(args, { cwd: folder });
  return {
    path: (...names) => join(folder, ...names),
    run,
    async succeeding(...args) {
      const { status, stdout, stderr } = await run(...args);
      expect(status, stderr).toBe(0);
      return stdout;
    },
    async failing(...args) {
      const { status, stderr } = await run(...args);
      expect(status, args.join(' ')).toBe(1);
      expect(stderr).not.toMatch(/^\s+at /m);
      return stderr;
    },
  };
}
