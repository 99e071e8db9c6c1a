import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { MaeError } from '#core/base/errors.js';
import { readSettingsFile } from '#core/train/settings/read-settings-file.js';
import { finished, startCli } from '../commands/run-cli.js';
import { TINY_MODEL } from '../commands/tiny-model.js';
import { MINUTES, useWorkFolder } from '../commands/work-folder.js';
import { writePictures } from '../pictures/tiny-pictures.js';

const { path, run, succeeding, failing } = useWorkFolder();
const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const TRAIN = ['pretrain', '--data', 'photos', ...TINY_MODEL, 'threads=1', 'samples.count=0', 'data.workers=0'];

beforeAll(async () => {
  await writePictures(path('photos'), 8);
});

describe('files of settings', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['plain text', 'hello, this is a letter', /the configuration is the text "hello, this is a letter", not a map/],
    ['a list', '- a\n- b\n', /the configuration is a list, not a map of settings/],
    ['noise', randomBytes(5000), /the configuration is no text in utf-8/],
    ['an anchor of itself', 'data: &a\n  path: *a\n', /has an anchor that refers to itself/],
    ['aliases of aliases', aliases(), /Excessive alias count|more values than/],
    ['a list in a list', `data: ${'['.repeat(20_000)}`, /not valid YAML|nested/],
    ['a wrong indentation', 'data:\n  path: photos\n epochs: 3\n', /not valid YAML.*settings\.yaml:\d/],
  ])('%s is refused in words', async (_, content, words) => {
    await writeFile(path('settings.yaml'), content);
    expect(() => readSettingsFile(path('settings.yaml'), 'configuration')).toThrow(MaeError);
    expect(() => readSettingsFile(path('settings.yaml'), 'configuration')).toThrow(words);
  });

  it('in UTF-16 are read', async () => {
    const text = 'data: {path: größe}\n';
    await writeFile(path('wide.yaml'), Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]));
    expect(readSettingsFile(path('wide.yaml'), 'configuration')).toEqual({ data: { path: 'größe' } });
    await writeFile(path('prototype.yaml'), '__proto__: {data: {path: photos}}\n');
    expect(await failing('pretrain', '--config', 'prototype.yaml')).toMatch(/`data` is missing/);
  });

  it('that are folders, or not there, or too large are told', async () => {
    await mkdir(path('folder.yaml'), { recursive: true });
    await writeFile(path('large.yaml'), `a: ${'x'.repeat(5_000_000)}`);
    expect(() => readSettingsFile(path('folder.yaml'), 'configuration')).toThrow(
      /the configuration cannot be read .*folder\.yaml/,
    );
    expect(() => readSettingsFile(path('none.yaml'), 'configuration')).toThrow(
      /the configuration cannot be read .*none\.yaml/,
    );
    expect(() => readSettingsFile(path('large.yaml'), 'configuration')).toThrow(/at most \d+ are read/);
  });
});

/** Nine lists of nine of the one before. */
function aliases(): string {
  const names = [...'abcdefghij'];
  const list = names.slice(1).map((name, i) => `${name}: &${name} [${`*${names[i]!}, `.repeat(9)}]`);
  return `a: &a [x, x, x, x, x, x, x, x, x]\n${list.join('\n')}\n`;
}

describe('a run that somebody else made', () => {
  it('loads no plugin that neither the project nor the person names', async () => {
    await writeFile(path('evil.mjs'), "import { writeFileSync } from 'node:fs'; writeFileSync('ran', '');");
    await succeeding(...TRAIN, '--epochs', '1', '--out', 'foreign');
    const config = 'plugins: [./evil.mjs]\ndata: {path: photos}\n';
    await writeFile(path('foreign.yaml'), config);
    await writeFile(path('foreign/config.yaml'), config);
    const words = /asks for "\.\/evil\.mjs", which is no dependency of this project.*--plugin \.\/evil\.mjs/;
    expect(await failing('pretrain', '--resume', 'foreign')).toMatch(words);
    expect(await failing('pretrain', '--config', 'foreign.yaml')).toMatch(words);
    expect(await failing('finetune', 'classify', '--config', 'foreign.yaml')).toMatch(words);
    await expect(rm(path('ran'))).rejects.toThrow(/ENOENT/);
  });
});

describe('systems that refuse', () => {
  it(
    'are answered with one sentence, by every command that writes',
    async () => {
      await succeeding(...TRAIN, '--epochs', '1', '--out', 'run');
      // A file where a folder is wanted: the same to every user, root too.
      await writeFile(path('blocked'), '');
      await symlink('/dev/full', path('full.csv'));
      for (const args of [
        [...TRAIN, '--epochs', '1', '--out', 'blocked/run'],
        ['visualize', '--checkpoint', 'run', '--data', 'photos', '--out', 'blocked/a.png'],
        ['embed', 'run', 'photos', '--out', 'blocked/a.csv'],
        ['config', 'pretrain', '--data', 'photos', '--write', 'blocked/a.yaml'],
        ['data', 'show', 'photos', '--out', 'blocked/a.png'],
        ['create', 'plugin', 'depth', '--out', 'blocked/depth'],
      ]) {
        const stderr = await failing(...args);
        expect(stderr, args.join(' ')).toMatch(/blocked/);
        expect(stderr.match(/^error: /gmu), args.join(' ')).toHaveLength(1);
      }
    },
    MINUTES,
  );

  it.each([64, 128])('and few open files: works, or says so (ulimit -n %i)', (limit) => {
    const command = `ulimit -n ${limit}; exec '${process.execPath}' '${main}' data check photos`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: path(), encoding: 'utf8' });
    expect(stderr).not.toMatch(/^\s+at /mu);
    if (status === 0) expect(stdout).toMatch(/8 pictures/);
    else expect(stderr).toMatch(/too many files are open.*ulimit -n/);
  });

  it(
    'and readers that go away end nothing',
    async () => {
      const shell = (command: string) => spawnSync('bash', ['-c', command], { cwd: path(), encoding: 'utf8' });
      const program = `'${process.execPath}' '${main}'`;
      const piped = shell(`set -o pipefail; ${program} ${TRAIN.join(' ')} --epochs 2 --out piped --json | head -1`);
      expect([piped.status, piped.stderr]).toEqual([0, expect.not.stringMatching(/EPIPE|^\s+at /mu)]);
      const closed = shell(`${program} data check photos >&-`);
      expect(closed.stderr).not.toMatch(/^\s+at /mu);
      const { stdout } = await run('data', 'check', 'piped/weights/last.safetensors');
      expect(stdout).toBe('');
    },
    MINUTES,
  );

  it(
    'and stops and starts of the process change nothing',
    async () => {
      const child = startCli([...TRAIN, '--epochs', '60', '--out', 'paused', '--json'], { cwd: path() });
      const ended = finished(child);
      let paused = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        if (!chunk.toString().includes('"metrics"') || paused++ > 2) return;
        child.kill('SIGSTOP');
        setTimeout(() => child.kill('SIGCONT'), 200);
      });
      expect((await ended).status).toBe(0);
      expect(paused).toBeGreaterThan(0);
    },
    MINUTES,
  );
});
