import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, jsonLines, runCli } from './run-cli.js';

const MINUTES = 60_000;
/** Would clear the screen, ring, write over its own line, begin another, and turn what follows round. */
const HOSTILE = 'cat\u001b[2J\u0007\r\nerror: \u202edog';
const SHOWN = 'cat\\x1b[2J\\x07\\r\\nerror: \\u202edog';
/** What a terminal obeys, besides ends of lines. */
const obeyed = /[^\P{Cc}\n]|[\u202a-\u202e]/u;

let folder: string;
const run = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mae-tasks-hostile-'));
  await writeFile(join(folder, 'package.json'), '{}');
  for (const [name, background] of [
    [HOSTILE, 'teal'],
    ['plain', 'orange'],
  ] as const) {
    await mkdir(join(folder, 'photos', name), { recursive: true });
    for (let index = 0; index < 4; index++) {
      await sharp({ create: { width: 16, height: 16, channels: 3, background } })
        .png()
        .toFile(join(folder, 'photos', name, `${index}.png`));
    }
  }
  await writeFile(join(folder, 'photos', HOSTILE, 'broken.png'), 'no picture');
}, MINUTES);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** The output of a command that did its work, with nothing in it that a terminal would obey. */
function harmless({ status, stdout, stderr }: CliResult, expected = 0): string {
  expect(status, stderr).toBe(expected);
  const written = stdout + stderr;
  expect(written).not.toMatch(obeyed);
  expect(written).not.toMatch(/^error: \S*dog/m);
  return written;
}

describe('a class that is named with controls of the terminal', () => {
  it(
    'is shown and not obeyed by training, evaluation and prediction, and stays what it is in data',
    async () => {
      const model = ['--image-size', '16', '--set', 'model.patchSize=4', 'model.embedDim=16', 'model.depth=2'];
      const flags = ['--data', 'photos', '--out', 'run', '--batch-size', '4', '--epochs', '1'];
      expect(harmless(await run('finetune', 'classify', ...flags, ...model, 'model.numHeads=2'))).toContain(
        `${SHOWN}/broken.png`,
      );
      expect(harmless(await run('evaluate', 'run', '--data', 'photos', '--out', 'measured'))).toContain(SHOWN);

      const picture = join('photos', HOSTILE, '0.png');
      expect(harmless(await run('predict', 'run', picture))).toContain(`${SHOWN}/0.png`);
      const { stdout } = await run('predict', 'run', picture, '--format', 'csv');
      expect(stdout).toContain(`"${picture}"`);
      const [record] = jsonLines((await run('predict', 'run', picture, '--json')).stdout);
      expect(record).toMatchObject({ type: 'prediction', picture });
    },
    2 * MINUTES,
  );
});

describe('what a person typed', () => {
  it.each([
    ['a command', [`${HOSTILE}`]],
    ['a flag', ['pretrain', `--${HOSTILE}`]],
    ['a value', ['pretrain', '--epochs', HOSTILE]],
    ['a path', ['evaluate', HOSTILE]],
    ['a setting', ['pretrain', '--data', 'photos', '--set', `${HOSTILE}=1`]],
    ['a plugin', ['plugins', '--plugin', HOSTILE]],
  ])('is shown and not obeyed in the message about %s', async (_, args) => {
    const result = await run(...args);
    expect(result.status).toBe(1);
    expect(result.stdout + result.stderr).not.toMatch(obeyed);
    expect(result.stderr).toContain(SHOWN);
  });
});
