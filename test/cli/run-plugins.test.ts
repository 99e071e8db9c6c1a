import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkData } from '#core/data/tools/check-data.js';
import { openReaders, openRegistryOf } from '../../packages/cli/src/plugins/open-registry.js';
import { pluginsOfRun } from '../../packages/cli/src/plugins/run-plugins.js';
import { repositoryPath } from '../packaging/install-project.js';

/** A reader of folders with a `cards.txt`. */
const READER = `
import { existsSync } from 'node:fs';
import { DataReader, definePlugin } from '@mae-tasks/core-mae/task';
const image = { kind: 'pixels', data: new Uint8Array(3), width: 1, height: 1, channels: 3 };
const reader = {
  name: 'cards',
  recognizes: (path) => Promise.resolve(existsSync(path + '/cards.txt')),
  open: (path) => Promise.resolve({ name: path, size: 2, item: (index) => ({ id: 'card-' + index, image, target: undefined }), warnings: [] }),
};
export default definePlugin({ name: 'cards', apiVersion: 2, register: ({ bind }) => { bind(DataReader).toConstantValue(reader); } });
`;

const silent = (): void => undefined;

describe('plugins that a run names', () => {
  // In the repository, where the plugin finds the core.
  let folder: string;
  let plugin: string;
  const run = (...names: readonly string[]): string => join(folder, 'runs', 'run1', ...names);

  beforeAll(async () => {
    folder = await mkdtemp(repositoryPath('test/cli/.run-plugins-'));
    plugin = join(folder, 'cards.mjs');
    await writeFile(plugin, READER);
    await mkdir(run('weights'), { recursive: true });
    await writeFile(run('config.yaml'), `plugins: [${JSON.stringify(plugin)}]\n`);
    await writeFile(run('weights', 'last.safetensors'), '');
    await writeFile(join(folder, 'alone.safetensors'), '');
    await mkdir(join(folder, 'photos'));
    await writeFile(join(folder, 'photos', 'cards.txt'), '');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are found by its folder and by its checkpoints, and other weights name none', async () => {
    const named = { named: [plugin], where: run('config.yaml') };
    expect(await pluginsOfRun(run())).toEqual(named);
    expect(await pluginsOfRun(run('weights', 'last.safetensors'))).toEqual(named);
    for (const place of ['alone.safetensors', 'photos', 'nothing']) {
      expect((await pluginsOfRun(join(folder, place))).named, place).toEqual([]);
    }
  });

  it('are loaded only where the person names them too, however they are spelt', async () => {
    await expect(openRegistryOf(run(), {}, silent)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/is no dependency of this project.* --plugin /u) as string,
    });
    const spelt = `./${relative(process.cwd(), plugin)}`;
    const { readers } = await openRegistryOf(run(), { plugin: [spelt] }, silent);
    expect(readers.filter(({ name }) => name === 'cards')).toHaveLength(1);
  });

  it('bring readers that data is checked by', async () => {
    const photos = join(folder, 'photos');
    const { reports } = await checkData(photos, { readers: await openReaders([plugin], silent) });
    expect(reports).toMatchObject([{ format: 'cards', checked: { pictures: 2 } }]);
    await expect(checkData(photos, { format: 'cards' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('use one of coco, ade20k, idx, folder') as string,
    });
  });
});
