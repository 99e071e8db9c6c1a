import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData, type Package, type Problem } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pack, repositoryPath } from './install-project.js';

const LIBRARIES = ['core-mae', 'plugin-classify', 'plugin-segment', 'plugin-detect'];

/** What these tests read of a package.json. */
interface PackageFile {
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly repository: { readonly type: string; readonly directory: string };
  readonly homepage: string;
  readonly bugs: { readonly url: string };
  readonly keywords: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
}

/** Ways of importing that a package of ES modules does not serve: `require`, and resolution without `exports`. */
const isServed = (problem: Problem): boolean =>
  !('resolutionKind' in problem && ['node10', 'node16-cjs'].includes(problem.resolutionKind));

describe('the packages as they would be published', { timeout: 120_000 }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mae-tarballs-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const packed = new Map<string, Promise<Buffer>>();
  const tarball = (name: string): Promise<Buffer> => {
    const known = packed.get(name) ?? pack(repositoryPath(`packages/${name}`), folder).then((path) => readFile(path));
    packed.set(name, known);
    return known;
  };
  const contents = async (name: string): Promise<Package> =>
    createPackageFromTarballData(new Uint8Array(await tarball(name)));

  it.each([...LIBRARIES, 'cli'])('%s keeps the rules of publint', async (name) => {
    const { buffer, byteOffset, byteLength } = await tarball(name);
    const data = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    const { messages, pkg } = await publint({ pack: { tarball: data }, strict: true });
    // The package.json of the plugin that `create plugin` writes is a file like any other here.
    const told = messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code);
    expect(told.filter((text) => !text.startsWith('./dist/plugin-template/package.json'))).toEqual([]);
  });

  it.each(LIBRARIES)('%s has types where it is imported', async (name) => {
    const result = await checkPackage(await contents(name));
    expect(result.types).toEqual({ kind: 'included' });
    if (result.types === false) return;
    expect(result.problems.filter(isServed)).toEqual([]);
  });

  it.each([...LIBRARIES, 'cli'])(
    '%s holds all that its package.json speaks of, and a page of its own',
    async (name) => {
      const files = await contents(name);
      const root = `/node_modules/${files.packageName}`;
      const { exports = {}, bin = {}, ...about } = JSON.parse(files.readFile(`${root}/package.json`)) as PackageFile;
      const named = [
        ...Object.values(exports).flatMap((to) => (typeof to === 'string' ? [to] : Object.values(to))),
        ...Object.values(bin),
      ];
      for (const path of ['README.md', 'LICENSE', ...named]) {
        expect(files.fileExists(join(root, path)), path).toBe(true);
      }
      expect(files.readFile(`${root}/README.md`)).toContain(`# ${files.packageName}\n`);
      expect(about.repository).toMatchObject({ type: 'git', directory: `packages/${name}` });
      expect(about.homepage).toContain(`packages/${name}`);
      expect(about.bugs.url).toMatch(/^https:/);
      expect(about.keywords.length).toBeGreaterThan(2);
    },
  );

  it.each([...LIBRARIES, 'cli'])('%s is built with its types whenever it is packed', async (name) => {
    const { scripts } = JSON.parse(
      await readFile(repositoryPath(`packages/${name}/package.json`), 'utf8'),
    ) as PackageFile;
    expect(scripts).toMatchObject({ prepack: 'npm run build', build: 'tsup' });
  });
});
