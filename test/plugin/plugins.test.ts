import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataReader } from '#core/contracts/data-reader.js';
import { Task } from '#core/contracts/task.js';
import { createRegistry } from '#core/plugin/container.js';
import { definePlugin } from '#core/plugin/define-plugin.js';
import { findInstalledPlugins, findNamedPlugin, missingTask } from '#core/plugin/find-plugins.js';
import { loadPlugin } from '#core/plugin/load-plugin.js';
import { corePlugin } from '#core/core-plugin.js';
import { taskNamed } from '#core/train/finetuning/load.js';
import { classifyTask } from '@mae-tasks/plugin-classify';

const task = (name: string) => ({ ...classifyTask, name });
const plugin = (name: string, ...tasks: object[]) =>
  definePlugin({
    name,
    apiVersion: 2,
    register: ({ bind }) => {
      for (const each of tasks) bind(Task).toConstantValue(each as Task);
    },
  });
const core = { plugin: corePlugin, from: 'core' };

describe('the registry', () => {
  it("has core's own services, bound as a plugin's", async () => {
    const registry = await createRegistry([core]);
    expect(registry.readers.map(({ name }) => name)).toEqual(expect.arrayContaining(['folder', 'idx']));
    expect([...registry.backbones.keys()]).toEqual(['vit', 'vit-conv-stem']);
    expect([...registry.exporters.keys()]).toEqual(['safetensors', 'onnx']);
    expect(registry.trackers.map(({ name }) => name)).toEqual(['metrics.jsonl', 'results.csv', 'tensorboard']);
  });

  it('indexes tasks by name and says what to install for one that is missing', async () => {
    const registry = await createRegistry([core, { plugin: plugin('two', task('a'), task('b')), from: 'here' }]);
    expect([...registry.tasks.keys()]).toEqual(['a', 'b']);
    expect(taskNamed('b', registry).name).toBe('b');
    expect(() => taskNamed('detect', registry)).toThrow(
      'Task "detect" is not installed (installed: a, b). Run: npm i @mae-tasks/plugin-detect',
    );
    expect(missingTask('detect', []).message).toBe(
      'Task "detect" is not installed. Run: npm i @mae-tasks/plugin-detect',
    );
  });

  it('names the task that is nearest to a misspelt one, and never a package that nobody has', () => {
    expect(missingTask('detct', ['detect']).message).toBe(
      'Task "detct" is not installed (installed: detect) — did you mean "detect"?',
    );
    expect(missingTask('clasify', []).message).toBe(
      'Task "clasify" is not installed — did you mean "classify"? Run: npm i @mae-tasks/plugin-classify',
    );
    expect(missingTask('pose', ['detect']).message).toBe(
      'Task "pose" is not installed (installed: detect) — install the plugin that brings it, or name it by --plugin',
    );
  });

  it('names both plugins of one task name', async () => {
    const sources = [
      { plugin: plugin('first', task('depth')), from: 'first@1.0.0' },
      { plugin: plugin('second', task('depth')), from: './second.js' },
    ];
    await expect(createRegistry(sources)).rejects.toMatchObject({
      code: 'PLUGIN_INVALID',
      message: expect.stringContaining(
        'task named "depth": "first" (first@1.0.0) and "second" (./second.js)',
      ) as string,
    });
  });

  it('refuses to load one module twice', async () => {
    const once = plugin('once', task('depth'));
    const twice = [
      { plugin: once, from: 'a' },
      { plugin: once, from: 'b' },
    ];
    await expect(createRegistry(twice)).rejects.toThrow(/plugin "once" \(b\): it is loaded twice/);
  });

  it.each([3, 0])('refuses a plugin of API version %d', async (apiVersion) => {
    const other = definePlugin({ name: 'other', apiVersion, register: () => undefined });
    await expect(createRegistry([{ plugin: other, from: 'other@2.0.0' }])).rejects.toThrow(
      `plugin "other" (other@2.0.0): it is written for plugin API version ${apiVersion}, and this core has 2`,
    );
  });

  it.each([
    ['a task without createModel', Task, { ...task('x'), createModel: undefined }, 'the task "x" lacks `createModel`'],
    ['a task without settings', Task, { ...task('x'), settings: undefined }, 'the task "x" lacks `settings`'],
    ['a service without a name', Task, { ...task(''), name: undefined }, 'a task lacks `name`'],
    ['a reader without open', DataReader, { name: 'r', recognizes: () => false }, 'the data reader "r" lacks `open`'],
    ['nothing at all', Task, null, 'a task lacks `name`'],
  ])('names the plugin and the member: %s', async (_, token, service, message) => {
    const broken = definePlugin({
      name: 'broken',
      apiVersion: 2,
      register: ({ bind }) => bind<unknown>(token).toConstantValue(service),
    });
    await expect(createRegistry([{ plugin: broken, from: 'here' }])).rejects.toThrow(
      `plugin "broken" (here): ${message}`,
    );
  });

  it('names a plugin that throws while it registers, and keeps the cause', async () => {
    const cause = new Error('no luck');
    const throwing = definePlugin({
      name: 'throwing',
      apiVersion: 2,
      register: () => {
        throw cause;
      },
    });
    await expect(createRegistry([{ plugin: throwing, from: 'here' }])).rejects.toMatchObject({
      code: 'PLUGIN_INVALID',
      message: expect.stringContaining('plugin "throwing" (here): `register` fails: no luck') as string,
      cause,
    });
  });
});

describe('finding plugins', () => {
  let root: string;
  const write = async (path: string, content: unknown): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
  };
  // What `definePlugin` returns, written out, because Node.js cannot load core's source.
  const module = `import { ContainerModule } from ${JSON.stringify(import.meta.resolve('inversify'))};
    const info = { name: 'depth', apiVersion: 2 };
    export default Object.assign(new ContainerModule(() => undefined), { [Symbol.for('mae:plugin')]: info });`;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'mae-tasks-plugins-'));
    await write('package.json', {
      dependencies: { depth: '1', plain: '1', newer: '1', older: '1', unbuilt: '1' },
      devDependencies: { '@scope/pose': '1', absent: '1' },
    });
    const packaged = (name: string, apiVersion: number, exports: unknown) => ({
      name,
      version: '1.2.3',
      exports,
      maeTasks: { tasks: [name], apiVersion },
    });
    await write('node_modules/depth/package.json', packaged('depth', 2, { '.': { types: './t', import: './m.mjs' } }));
    await write('node_modules/depth/m.mjs', module);
    await write('node_modules/plain/package.json', { name: 'plain', main: 'index.js' });
    await write('node_modules/newer/package.json', packaged('newer', 3, './m.mjs'));
    await write('node_modules/newer/m.mjs', module);
    await write('node_modules/older/package.json', packaged('older', 1, './m.mjs'));
    await write('node_modules/older/m.mjs', module);
    await write('node_modules/unbuilt/package.json', packaged('unbuilt', 2, './dist/m.mjs'));
    await write('node_modules/@scope/pose/package.json', packaged('@scope/pose', 2, './m.mjs'));
    await write('node_modules/@scope/pose/m.mjs', 'throw new Error("no module today");');
    await write('node_modules/undeclared/package.json', packaged('undeclared', 2, './m.mjs'));
    await write('plugins/other.mjs', 'export default { name: "other" };');
    await write('deep/er/notes.txt', '');
  });
  afterAll(() => rm(root, { recursive: true }));

  it('looks at the direct dependencies of the enclosing project alone', () => {
    const found = findInstalledPlugins([join(root, 'deep/er'), root]);
    expect(found.map(({ name }) => name).sort()).toEqual(['@scope/pose', 'depth', 'newer', 'older', 'unbuilt']);
    const depth = found.find(({ name }) => name === 'depth')!;
    expect(depth).toMatchObject({ version: '1.2.3', tasks: ['depth'], problem: undefined });
    expect(depth.entry).toBe(join(root, 'node_modules/depth/m.mjs'));
    const problemOf = (name: string) => found.find((each) => each.name === name)!.problem;
    expect(problemOf('newer')).toEqual({
      what: 'it is written for plugin API version 3, and this core has 2',
      fix: 'update @mae-tasks/core-mae',
    });
    expect(problemOf('unbuilt')!.what).toMatch(/dist\/m\.mjs is missing: is it built\?/);
  });

  it('finds a plugin by name, by file and by folder', () => {
    expect(findNamedPlugin('undeclared', [root], '--plugin').tasks).toEqual(['undeclared']);
    expect(findNamedPlugin('./plugins/other.mjs', [root], '--plugin').entry).toBe(join(root, 'plugins/other.mjs'));
    expect(findNamedPlugin('./node_modules/depth', [root], '--plugin').name).toBe('depth');
    expect(() => findNamedPlugin('mae-depth', [root], '--plugin')).toThrow(
      'there is no plugin "mae-depth" — --plugin — run: npm i mae-depth',
    );
    expect(() => findNamedPlugin('./nowhere.js', [root], '--plugin')).toThrow('check the path');
  });

  it('loads a plugin, and names the one that does not load', async () => {
    const named = (name: string) => findNamedPlugin(name, [root], '--plugin');
    const { plugin: loaded, from } = await loadPlugin(named('depth'));
    expect(from).toBe('depth@1.2.3');
    await expect(createRegistry([{ plugin: loaded, from }])).resolves.toBeDefined();
    await expect(loadPlugin(named('@scope/pose'))).rejects.toThrow(
      'plugin @scope/pose@1.2.3: it fails while loading: no module today',
    );
    await expect(loadPlugin(named('./plugins/other.mjs'))).rejects.toThrow(
      'plugin ./plugins/other.mjs: its `default` export is not what `definePlugin` returns',
    );
    await expect(loadPlugin(named('newer'))).rejects.toThrow(/plugin newer@1\.2\.3: it is written for plugin API/);
  });

  it('tells a plugin of version 1 what changed and what its author has to do', async () => {
    const message =
      /plugin API version 1, and this core has 2.*update the plugin; or, if it is yours: since version 2 a `createStep` forward pass returns answers of any type.*`apiVersion: 2` in definePlugin and package\.json/;
    await expect(loadPlugin(findNamedPlugin('older', [root], '--plugin'))).rejects.toThrow(message);
    const older = definePlugin({ name: 'older', apiVersion: 1, register: () => undefined });
    await expect(createRegistry([{ plugin: older, from: './older.js' }])).rejects.toMatchObject({
      code: 'PLUGIN_INVALID',
      message: expect.stringMatching(message) as string,
    });
  });
});
