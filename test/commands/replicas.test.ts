import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { TINY_MODEL } from './tiny-model.js';
import { writePictures } from '../pictures/tiny-pictures.js';
import { finished, jsonLines, runCli, startCli } from './run-cli.js';

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'mae-replicas-')));
  await writePictures(join(folder, 'photos'), 12);
});
afterAll(() => rm(folder, { recursive: true }));

const BASE = [
  ...['pretrain', '--data', 'photos', ...TINY_MODEL, 'samples.count=0', 'threads=2'],
  ...['--batch-size', '4', '--epochs', '8'],
];

const weightsOf = (run: string): Promise<Buffer> => readFile(join(folder, run, 'weights', 'last.safetensors'));

async function replicasOf(run: string): Promise<unknown> {
  const { replicas } = parse(await readFile(join(folder, run, 'config.yaml'), 'utf8')) as { replicas: unknown };
  return replicas;
}

describe('mae-tasks pretrain --replicas', () => {
  it('ends after a kill as if there had been none, bit by bit', async () => {
    const args = [...BASE, '--replicas', '2'];
    const whole = await runCli([...args, '--out', 'whole'], { cwd: folder });
    expect(whole.stderr).toBe('');
    expect(whole.status).toBe(0);
    const child = startCli([...args, '--out', 'killed', '--json', '--set', 'checkpoint.everySteps=1'], { cwd: folder });
    const result = finished(child);
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('"step":10')) child.kill('SIGKILL');
    });
    expect((await result).status).toBe('SIGKILL');
    const resumed = await runCli(['pretrain', '--resume', 'killed', '--json', '--set', 'checkpoint.everyMinutes=10'], {
      cwd: folder,
    });
    expect(resumed.status).toBe(0);
    expect(jsonLines(resumed.stdout)[0]!.firstStep).toBeGreaterThan(0);
    expect(await replicasOf('killed')).toBe(2);
    expectSameTensors(await weightsOf('killed'), await weightsOf('whole'));
  }, 240_000);

  it('writes what `auto` has chosen into the run', async () => {
    const { status } = await runCli([...BASE, '--replicas', 'auto', '--epochs', '1', '--out', 'auto'], { cwd: folder });
    expect(status).toBe(0);
    expect([1, 2]).toContain(await replicasOf('auto'));
  });

  it.each([
    { value: '3', message: /`replicas` \(=3\) must divide the batch \(=4\)/ },
    { value: '0', message: /`replicas`/ },
    { value: 'many', message: /whole number/ },
  ])('refuses $value and leaves nothing behind', async ({ value, message }) => {
    const { status, stderr } = await runCli([...BASE, '--replicas', value, '--out', 'bad'], { cwd: folder });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(status).toBe(1);
    expect(existsSync(join(folder, 'bad'))).toBe(false);
  });
});

/** Compares two checkpoints without their headers, which hold the settings. */
function expectSameTensors(actual: Buffer, expected: Buffer): void {
  const [a, b] = [actual, expected].map((file) => file.subarray(8 + Number(file.readBigUInt64LE(0))));
  expect(a!.length).toBeGreaterThan(1000);
  expect(Buffer.compare(a!, b!)).toBe(0);
}
