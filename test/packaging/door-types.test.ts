import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { doors, doorSource, namesOf, specifierOf } from './doors.js';
import { repositoryPath } from './install-project.js';

const execute = promisify(execFile);

/** What the examples leave to their reader. */
const HELPERS = {
  'depth-task.ts': `import type { Task } from '@mae-tasks/core-mae/task';\nexport declare const depthTask: Task;\n`,
  'depth.ts': `import type { Dataset, Plugin } from '@mae-tasks/core-mae/task';
declare const plugin: Plugin;
export declare const pictures: Dataset;
export default plugin;\n`,
};

const RESOLUTIONS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
} as const;

/** The compiler's complaints about a folder. */
async function complaints(folder: string, options: object): Promise<string> {
  const common = { target: 'es2023', lib: ['es2023'], strict: true, noEmit: true, exactOptionalPropertyTypes: true };
  const config = { compilerOptions: { ...common, ...options }, include: ['*.ts'] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = repositoryPath('node_modules/typescript/bin/tsc');
  const { stdout } = await execute(process.execPath, [tsc, '-p', folder]).catch(
    (error: unknown) => error as { stdout: string },
  );
  return stdout;
}

/** The example at the head of a door. */
function exampleOf(door: string): string {
  const header = /^\/\*\*\n([\s\S]*?)^ \*\/$/mu.exec(doorSource(door))![1]!.replace(/^ \* ?/gmu, '');
  return /^```ts\n([\s\S]*?)^```$/mu.exec(header)![1]!;
}

describe('the types of the doors of core, as they are built', { timeout: 120_000 }, () => {
  let root: string;
  beforeAll(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'mae-door-types-')));
    await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module' }));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it.each(Object.entries(RESOLUTIONS))('resolve under %s, and the examples compile', async (name, resolution) => {
    const folder = join(root, name);
    await mkdir(folder);
    await symlink(repositoryPath('node_modules'), join(folder, 'node_modules'), 'dir');
    for (const [file, text] of Object.entries(HELPERS)) await writeFile(join(folder, file), text);
    for (const door of doors) {
      const { values, types } = namesOf(door);
      const names = [...values, ...types.map((type) => `type ${type}`)];
      await writeFile(
        join(folder, `${door}-names.ts`),
        `export { ${names.join(', ')} } from '${specifierOf(door)}';\n`,
      );
      await writeFile(join(folder, `${door}-example.ts`), exampleOf(door));
    }
    expect(await complaints(folder, { ...resolution, types: ['node'], skipLibCheck: true })).toBe('');
  });

  it('of COCO need no other package', async () => {
    const folder = join(root, 'alone');
    const dist = repositoryPath('packages/core-mae/dist');
    await cp(dist, join(folder, 'dist'), {
      recursive: true,
      filter: (path) => path === dist || path.endsWith('.d.ts'),
    });
    await writeFile(
      join(folder, 'area.ts'),
      `import { polygonToRle, type Rle, rleArea } from './dist/coco.js';
const mask: Rle = polygonToRle([0, 0, 4, 0, 4, 4], 8, 8);
export const area: number = rleArea(mask);\n`,
    );
    expect(await complaints(folder, { ...RESOLUTIONS.nodenext, types: [], skipLibCheck: false })).toBe('');
  });
});
