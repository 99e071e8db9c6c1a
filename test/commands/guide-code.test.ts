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
  it(
    'compiles as strictly as our own',
    async () => {
      const guides = ['docs/library.md', 'docs/plugins.md'];
      for (const guide of guides) {
        expect(codeBlocks(guide, 'ts').length, guide).toBeGreaterThan(1);
        await writeGuideCode(guide, join(folder, guide));
      }
      const tsconfig = join(folder, 'tsconfig.json');
      await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
      await writeFile(
        tsconfig,
        JSON.stringify({
          extends: join(root, 'tsconfig.json'),
          include: ['docs', join(root, 'packages/core-mae/src/**/*.d.ts')],
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
