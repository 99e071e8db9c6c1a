import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const core = 'packages/core-mae/src';
const detect = 'packages/plugin-detect/src';

/** Imports against the order of the rooms: from where, to where. */
const REFUSED = [
  [`${core}/contracts`, `${core}/base`],
  [`${core}/base`, `${core}/engine`],
  [`${core}/nn`, `${core}/models`],
  [`${core}/models`, `${core}/data/loading`],
  [`${core}/data/masks`, `${core}/data/targets`],
  [`${core}/data/loading`, `${core}/data/readers`],
  [`${core}/data/coco`, `${core}/data/tools`],
  [`${core}/data/readers`, `${core}/train/inputs`],
  [`${core}/report/charts`, `${core}/report/pages`],
  [`${core}/train/settings`, `${core}/train/loop`],
  [`${core}/train/loop`, `${core}/train/run`],
  [`${core}/train/pretraining`, `${core}/train/finetuning`],
  [`${core}/train/loop`, 'packages/cli/src/commands'],
  [`${detect}/boxes`, `${detect}/network`],
  [`${detect}/pooling`, `${detect}/training`],
  [`${detect}/inference`, `${detect}/training`],
  [`${detect}/training`, 'packages/cli/src/terminal'],
  ['packages/cli/src/terminal', 'packages/cli/src/settings'],
  ['packages/cli/src/training', 'packages/cli/src/commands'],
] as const;

/** The same in the order of the rooms. */
const ALLOWED = [
  [`${core}/engine`, `${core}/base`],
  [`${core}/data/targets`, `${core}/data/masks`],
  [`${core}/data/tools`, `${core}/data/coco`],
  [`${core}/train/run`, `${core}/train/loop`],
  [`${detect}/training`, `${detect}/boxes`],
] as const;

/** Files above all rooms, which none of them may import. */
const ABOVE = [
  [`${core}/train/export`, `${core}/run.ts`],
  [`${core}/data/coco`, `${core}/coco.ts`],
  [`${core}/plugin`, `${core}/core-plugin.ts`],
  [`${detect}/training`, `${detect}/task.ts`],
] as const;

describe('the order of the rooms', () => {
  let eslint: ESLint;
  beforeAll(() => {
    eslint = new ESLint({
      cwd: root,
      // The planted files lie in no project, and rules that ask for types are not what is tried here.
      overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
      ruleFilter: ({ ruleId }) => ruleId === 'import-x/no-restricted-paths',
    });
  });

  /** What eslint says of a file in this folder that imports this file. */
  async function complaints(folder: string, imported: string): Promise<string[]> {
    const path = relative(folder, imported).replace(/\.ts$/u, '.js');
    const text = `import * as planted from '${path.startsWith('.') ? path : `./${path}`}';\nexport { planted };\n`;
    const [result] = await eslint.lintText(text, { filePath: join(root, folder, 'planted.ts') });
    return result!.messages.map(({ ruleId, message }) => `${ruleId}: ${message}`);
  }

  const refused = expect.stringMatching(/^import-x\/no-restricted-paths: /u) as string;

  it.each(REFUSED)('%s may not import from %s', async (from, to) => {
    expect(await complaints(from, fileOf(to))).toContainEqual(refused);
  });

  it.each(ABOVE)('%s may not import %s', async (from, file) => {
    expect(await complaints(from, file)).toContainEqual(refused);
  });

  it.each(ALLOWED)('%s may import from %s', async (from, to) => {
    expect(await complaints(from, fileOf(to))).toEqual([]);
  });

  it('is complete: a room that the list misses is an error, and one that is no more', async () => {
    const config = (await import(pathToFileURL(join(root, 'eslint.config.js')).href)) as {
      requireListedRooms(root: string, floors: readonly object[]): void;
    };
    const house = await mkdtemp(join(tmpdir(), 'mae-rooms-'));
    try {
      for (const room of ['cellar', 'hall/stairs']) {
        await mkdir(join(house, room), { recursive: true });
        await writeFile(join(house, room, 'a.ts'), '');
      }
      const rooms = [{ cellar: [''] }, { hall: ['stairs'] }];
      expect(() => {
        config.requireListedRooms(house, rooms);
      }).not.toThrow();
      expect(() => {
        config.requireListedRooms(house, rooms.slice(0, 1));
      }).toThrow('hall/stairs is not in the list of rooms');
      expect(() => {
        config.requireListedRooms(house, [...rooms, { attic: [''] }]);
      }).toThrow('attic is listed and has no files');
    } finally {
      await rm(house, { recursive: true });
    }
  });
});

/** Some source of a folder. */
function fileOf(folder: string): string {
  const file = readdirSync(join(root, folder)).find((name) => name.endsWith('.ts') && !name.endsWith('.wasm.ts'));
  return `${folder}/${file!}`;
}
