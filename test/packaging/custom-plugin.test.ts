import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonLines } from '../commands/run-cli.js';
import { TINY_MODEL } from '../commands/tiny-model.js';
import { writePictures } from '../pictures/tiny-pictures.js';
import { install, installProject, pack, repositoryPath, runIn } from './install-project.js';

const MINUTES = 60_000;

describe("a third party's plugin, installed from its tarball beside the packed core and command", () => {
  let root: string;
  let project: string;
  const mae = (...args: string[]) => runIn(project, join('node_modules', '.bin', 'mae-tasks'), args);

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'mae-tasks-packed-'));
    project = join(root, 'project');
    const core = await pack(repositoryPath('packages/core-mae'), root);
    const cli = await pack(repositoryPath('packages/cli'), root);
    await installProject(project, [core, cli]);
  }, 5 * MINUTES);
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('is a whole task in less than 150 lines', async () => {
    const source = repositoryPath('examples/custom-plugin/src');
    const files = await Promise.all((await readdir(source)).map((name) => readFile(join(source, name), 'utf8')));
    expect(files.join('').split('\n').length - 1).toBeLessThan(150);
  });

  it('says that a task is missing, and how to get it', async () => {
    expect((await mae('--help')).stdout).toContain('No tasks are installed');
    await expect(mae('finetune', 'detect', '--data', '.')).rejects.toThrow(
      'Task "detect" is not installed. Run: npm i @mae-tasks/plugin-detect',
    );
  });

  it(
    'compiles against the published types, and trains, measures and answers by the command',
    async () => {
      const source = join(project, 'plugin');
      await cp(repositoryPath('examples/custom-plugin'), source, {
        recursive: true,
        filter: (path) => !/node_modules|dist/.test(path.slice(repositoryPath('examples').length)),
      });
      const tsc = repositoryPath('node_modules/typescript/bin/tsc');
      await runIn(source, process.execPath, [tsc, '-p', 'tsconfig.build.json']);
      await install(project, [await pack(source, root)]);

      const listed = jsonLines((await mae('plugins', '--json')).stdout);
      expect(listed).toMatchObject([{ name: 'mae-tasks-plugin-rotation', tasks: ['rotation'], works: true }]);
      expect((await mae('--help')).stdout).toMatch(/rotation\s+mae-tasks-plugin-rotation/);

      await writePictures(join(project, 'photos'), 24);
      const model = TINY_MODEL.filter((part) => !part.includes('decoder'));
      const settings = [...sized(model), '--epochs', '2', '--batch-size', '8', '--val-fraction', '0.25'];
      const trained = await mae('finetune', 'rotation', '--data', 'photos', ...settings, '--out', 'run', '--json');
      expect(jsonLines(trained.stdout).at(-1)).toMatchObject({ type: 'finished' });
      expect(await readFile(join(project, 'run', 'config.yaml'), 'utf8')).toContain('task: rotation');

      const measured = jsonLines((await mae('evaluate', 'run', '--data', 'photos', '--json')).stdout);
      expect(measured).toMatchObject([{ type: 'evaluation', metrics: { valAccuracy: expect.any(Number) as number } }]);
      const { stdout } = await mae('predict', 'run', 'photos', '--format', 'csv');
      const [header, ...rows] = stdout.trimEnd().split('\n');
      expect(header).toBe('picture,degrees');
      expect(rows).toHaveLength(24);
      for (const row of rows) expect(row).toMatch(/^photos\/picture-\d+\.png,(?:0|90|180|270)$/);
    },
    3 * MINUTES,
  );
});

/** `--patch-size` is a flag of pretraining alone. */
function sized(flags: readonly string[]): string[] {
  const at = flags.indexOf('--patch-size');
  return [...flags.slice(0, at), ...flags.slice(at + 2), `model.patchSize=${flags[at + 1]}`];
}
