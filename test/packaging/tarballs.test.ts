import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData, type Problem } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pack, repositoryPath } from './install-project.js';

const LIBRARIES = ['core-mae', 'plugin-classify', 'plugin-segment', 'plugin-detect'];

/** Ways of importing that a package of ES modules does not serve: `require`, and resolution without `exports`. */
const isServed = (problem: Problem): boolean =>
  !('resolutionKind' in problem && ['node10', 'node16-cjs'].includes(problem.resolutionKind));

describe('the packages as they would be published', { timeout: 120_000 }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mae-tarballs-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const tarball = async (name: string): Promise<Buffer> =>
    readFile(await pack(repositoryPath(`packages/${name}`), folder));

  it.each([...LIBRARIES, 'cli'])('%s keeps the rules of publint', async (name) => {
    const { buffer, byteOffset, byteLength } = await tarball(name);
    const data = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    const { messages, pkg } = await publint({ pack: { tarball: data }, strict: true });
    // The package.json of the plugin that `create plugin` writes is a file like any other here.
    const told = messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code);
    expect(told.filter((text) => !text.startsWith('./dist/plugin-template/package.json'))).toEqual([]);
  });

  it.each(LIBRARIES)('%s has types where it is imported', async (name) => {
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(await tarball(name))));
    expect(result.types).toEqual({ kind: 'included' });
    if (result.types === false) return;
    expect(result.problems.filter(isServed)).toEqual([]);
  });
});
