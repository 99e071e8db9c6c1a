import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks, root, writeGuideCode, writeGuidePlugin } from './guide-code.js';

const MINUTES = 60_000;
const execute = promisify(execFile);

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'mae-guide-code-')));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the TypeScript of the guides', () => {
  it.each([
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ])(
    'compiles as strictly as our own, with modules found as $moduleResolution does',
    async (resolution) => {
      for (const guide of ['README.md', 'docs/library.md', 'docs/plugins.md']) {
        expect(codeBlocks(guide, 'ts').length, guide).toBeGreaterThan(0);
        await rm(join(folder, guide), { recursive: true, force: true });
        await writeGuideCode(guide, join(folder, guide));
      }
      const tsconfig = join(folder, 'tsconfig.json');
      await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
      await writeFile(
        tsconfig,
        JSON.stringify({
          extends: join(root, 'tsconfig.json'),
          // As a person's project finds them: by their built types.
          compilerOptions: { ...resolution, paths: {} },
          include: ['README.md', 'docs'],
          exclude: ['**/node_modules'],
        }),
      );
      const tsc = join(root, 'node_modules/typescript/bin/tsc');
      const types = ['--typeRoots', join(root, 'node_modules/@types')];
      const { stdout } = await execute(process.execPath, [tsc, '-p', tsconfig, ...types]).catch((error: unknown) => ({
        stdout: (error as { stdout: string }).stdout,
      }));
      expect(stdout).toBe('');
    },
    2 * MINUTES,
  );

  it(
    'makes a plugin that keeps the contract, by the test that the guide gives it',
    async () => {
      const plugin = join(folder, 'regress');
      await writeGuidePlugin(plugin);
      const args = ['--test', '--test-reporter=tap', join(plugin, 'dist-test/test/regress.test.js')];
      const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')));
      const { stdout } = await execute(process.execPath, args, { cwd: plugin, env }).catch((error: unknown) => ({
        stdout: (error as { stdout: string }).stdout,
      }));
      expect(stdout).toMatch(/^# fail 0$/mu);
      expect(Number(/^# pass (\d+)$/mu.exec(stdout)?.[1])).toBeGreaterThan(10);
    },
    2 * MINUTES,
  );
});
