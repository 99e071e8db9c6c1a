import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file or folder of this repository. */
export const repositoryPath = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** No colours, and no libraries for CUDA: their host may be out of reach, and npm would then drop the compiled engine. */
const ENVIRONMENT = { NO_COLOR: '1', ONNXRUNTIME_NODE_INSTALL: 'skip' };

/** Runs a program in a folder as a person's shell would. @throws what it printed, where it fails */
export async function runIn(folder: string, program: string, args: readonly string[]): Promise<CommandResult> {
  // npm's own settings of the process that runs the tests must not reach the one under test.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  try {
    return await run(program, args, { cwd: folder, env: { ...env, ...ENVIRONMENT }, maxBuffer: 64 * 2 ** 20 });
  } catch (error) {
    const { stdout, stderr } = error as CommandResult & Error;
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/**
 * Packs a package as it would be published, and returns the tarball's path. Its `prepack` would build it again: what lies
 * in `dist` was built before the tests.
 */
export async function pack(packageFolder: string, into: string): Promise<string> {
  const { stdout } = await runIn(packageFolder, 'npm', [
    'pack',
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    into,
  ]);
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return join(into, filename);
}

/** An empty project with these tarballs installed, from npm's cache where it has the rest. */
export async function installProject(folder: string, tarballs: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  await install(folder, tarballs);
}

export async function install(folder: string, tarballs: readonly string[]): Promise<void> {
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund'];
  await runIn(folder, 'npm', ['install', ...quiet, ...tarballs]);
}
