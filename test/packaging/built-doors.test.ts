import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { doors, namesOf, specifierOf } from './doors.js';
import { PLUGIN_API_VERSION } from '#core/plugin/api-version.js';
import { repositoryPath } from './install-project.js';

const execute = promisify(execFile);

/** What a module of this text prints as JSON, in a process of its own: Node.js resolves what it imports. */
async function answerOf(text: string, folder: string): Promise<unknown> {
  const script = join(folder, 'script.mjs');
  await writeFile(script, text);
  return JSON.parse((await execute(process.execPath, [script], { cwd: folder })).stdout);
}

describe('the doors of core as they are built', () => {
  // In the repository, where the package's own name leads to what was built.
  let inside: string;
  // Elsewhere, where no package can be found.
  let outside: string;
  beforeAll(async () => {
    inside = await mkdtemp(repositoryPath('test/packaging/.doors-'));
    outside = await mkdtemp(join(tmpdir(), 'mae-doors-'));
    await cp(repositoryPath('packages/core-mae/dist'), join(outside, 'dist'), {
      recursive: true,
      filter: (path) => !path.endsWith('.map'),
    });
    await writeFile(join(outside, 'package.json'), JSON.stringify({ type: 'module' }));
  });
  afterAll(() => Promise.all([inside, outside].map((folder) => rm(folder, { recursive: true, force: true }))));

  it('give the values that their sources name', async () => {
    const built = await answerOf(
      `const doors = ${JSON.stringify(doors.map((door) => [door, specifierOf(door)]))};
      const keys = async ([door, path]) => [door, Object.keys(await import(path)).sort()];
      console.log(JSON.stringify(Object.fromEntries(await Promise.all(doors.map(keys)))));`,
      inside,
    );
    expect(built).toEqual(Object.fromEntries(doors.map((door) => [door, namesOf(door).values])));
  });

  it('are those of a plugin too whose own folder has another core', async () => {
    const plugin = join(outside, 'plugin');
    const other = join(plugin, 'node_modules/@mae-tasks/core-mae');
    await mkdir(other, { recursive: true });
    await writeFile(
      join(other, 'package.json'),
      JSON.stringify({ type: 'module', exports: { './task': './task.js' } }),
    );
    await writeFile(join(other, 'task.js'), "throw new Error('another core was loaded');");
    await writeFile(
      join(plugin, 'package.json'),
      JSON.stringify({ name: 'own', version: '1.0.0', type: 'module', exports: './index.js', maeTasks: { tasks: [] } }),
    );
    await writeFile(
      join(plugin, 'index.js'),
      `import { definePlugin, tf } from '@mae-tasks/core-mae/task';
      export default definePlugin({ name: tf.version_core, apiVersion: ${PLUGIN_API_VERSION}, register: () => undefined });`,
    );
    const answer = await answerOf(
      `import { loadPlugin } from '@mae-tasks/core-mae/run';
      import { findNamedPlugin } from '@mae-tasks/core-mae/find-plugins';
      const { from } = await loadPlugin(findNamedPlugin(${JSON.stringify(plugin)}, ['.'], 'here'));
      console.log(JSON.stringify(from));`,
      inside,
    );
    expect(answer).toBe('own@1.0.0');
  });

  it('share one class of errors and one symbol for each contract', async () => {
    const answer = await answerOf(
      `import * as script from '@mae-tasks/core-mae';
      import * as coco from '@mae-tasks/core-mae/coco';
      import * as run from '@mae-tasks/core-mae/run';
      import * as task from '@mae-tasks/core-mae/task';
      import { findNamedPlugin } from '@mae-tasks/core-mae/find-plugins';
      import { testTaskPlugin } from '@mae-tasks/core-mae/testing';
      const thrown = async (act) => { try { await act(); return 'nothing'; } catch (error) { return error; } };
      const doors = [script, coco, run, task];
      const values = new Map();
      for (const door of doors) for (const [name, value] of Object.entries(door)) {
        values.set(name, (values.get(name) ?? new Set()).add(value));
      }
      const different = [...values].filter(([, found]) => found.size > 1).map(([name]) => name);
      const reader = { name: 'cards', recognizes: async () => false, open: async () => undefined };
      const plugin = task.definePlugin({
        name: 'cards', apiVersion: ${PLUGIN_API_VERSION}, register: ({ bind }) => { bind(task.DataReader).toConstantValue(reader); },
      });
      const registry = await script.createRegistry([{ plugin: script.corePlugin, from: 'core' }, { plugin, from: 'here' }])
        .catch((error) => ({ readers: [{ name: error.message }] }));
      const errors = await Promise.all([
        thrown(() => coco.loadCoco('missing.json')),
        thrown(() => run.checkSettings(run.pretrainConfig, {}, 'here')),
        thrown(() => script.imageFolder('missing')),
        thrown(() => findNamedPlugin('./missing', ['.'], 'here')),
        thrown(() => testTaskPlugin({ plugin, task: 'cards', data: { name: 'none' } })[0].run()),
      ]);
      console.log(JSON.stringify({
        different,
        readers: registry.readers.map(({ name }) => name),
        errors: errors.map((error) => error instanceof task.MaeError ? error.code : String(error)),
      }));`,
      inside,
    );
    expect(answer).toMatchObject({
      different: [],
      readers: expect.arrayContaining(['folder', 'cards']) as string[],
      errors: ['DATA_NOT_FOUND', 'CONFIG_INVALID', 'DATA_NOT_FOUND', 'PLUGIN_MISSING', 'PLUGIN_MISSING'],
    });
  });

  it('let COCO be used where no package is installed, TensorFlow.js and sharp among them', async () => {
    const categories = [{ id: 1, name: 'cup' }];
    const images = [{ id: 7, file_name: 'a.png', width: 40, height: 30 }];
    const box = { image_id: 7, category_id: 1, bbox: [4, 5, 10, 8] };
    const annotations = [{ ...box, id: 1, area: 80, iscrowd: 0, segmentation: [[4, 5, 14, 5, 14, 13, 4, 13]] }];
    await writeFile(join(outside, 'truth.json'), JSON.stringify({ images, annotations, categories }));
    await writeFile(join(outside, 'found.json'), JSON.stringify([{ ...box, score: 0.9 }]));
    const answer = await answerOf(
      `import { annotationRle, evaluationLines, loadCoco, rleArea, scoreResults } from './dist/coco.js';
      const { annotations } = loadCoco('truth.json');
      const { evaluation } = scoreResults({ annotations: 'truth.json', results: 'found.json', type: 'bbox' });
      const packages = await Promise.all(
        ['@tensorflow/tfjs', 'sharp', 'zod'].map((name) => import(name).then(() => true, () => false)));
      console.log(JSON.stringify({ area: rleArea(annotationRle(annotations, 0)), lines: evaluationLines(evaluation), packages }));`,
      outside,
    );
    expect(answer).toMatchObject({ area: 80, packages: [false, false, false] });
    expect((answer as { lines: string[] }).lines[0]).toMatch(/^ Average Precision .* = 1\.000$/u);
  });

  it('find plugins where no package is installed', async () => {
    const text = `import { findInstalledPlugins } from './dist/find-plugins.js';
      console.log(JSON.stringify(findInstalledPlugins(['.'])));`;
    expect(await answerOf(text, outside)).toEqual([]);
  });
});
