import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { TINY_MODEL } from './tiny-model.js';
import { writePictures } from '../pictures/tiny-pictures.js';
import { finished, jsonLines, startCli } from './run-cli.js';
import { expectSameWeights } from './weights.js';
import { useWorkFolder } from './work-folder.js';

const { path, run, failing } = useWorkFolder();
beforeAll(() => writePictures(path('photos'), 12));

const BASE = [
  ...['pretrain', '--data', 'photos', ...TINY_MODEL, 'samples.count=0', 'threads=2'],
  ...['--batch-size', '4', '--epochs', '8'],
];

async function replicasOf(name: string): Promise<unknown> {
  const { replicas } = parse(await readFile(path(name, 'config.yaml'), 'utf8')) as { replicas: unknown };
  return replicas;
}

describe('mae-tasks pretrain --replicas', () => {
  it('ends after a kill as if there had been none, bit by bit', async () => {
    const args = [...BASE, '--replicas', '2'];
    const whole = await run(...args, '--out', 'whole');
    // So few steps teach nothing, and nothing else is to be said.
    expect(whole.stderr).toMatch(/^warning: after epoch 3 of 8, `loss` .* nothing is learned yet .*\n$/u);
    expect(whole.status).toBe(0);
    const child = startCli([...args, '--out', 'killed', '--json', '--set', 'checkpoint.everySteps=1'], { cwd: path() });
    const result = finished(child);
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('"step":10')) child.kill('SIGKILL');
    });
    expect((await result).status).toBe('SIGKILL');
    const resumed = await run('pretrain', '--resume', 'killed', '--json', '--set', 'checkpoint.everyMinutes=10');
    expect(resumed.status).toBe(0);
    expect(jsonLines(resumed.stdout)[0]!.firstStep).toBeGreaterThan(0);
    expect(await replicasOf('killed')).toBe(2);
    await expectSameWeights(path('killed'), path('whole'));
  }, 240_000);

  it('writes what `auto` has chosen into the run, which is as one of that number', async () => {
    const args = [...BASE, '--epochs', '1'];
    expect((await run(...args, '--replicas', 'auto', '--out', 'auto')).status).toBe(0);
    const chosen = await replicasOf('auto');
    expect([1, 2]).toContain(chosen);
    expect((await run(...args, '--replicas', String(chosen), '--out', 'named')).status).toBe(0);
    await expectSameWeights(path('auto'), path('named'));
  });

  it.each([
    { value: '3', message: /`replicas` \(=3\) must divide the batch \(=4\)/ },
    { value: '0', message: /`replicas`/ },
    { value: 'many', message: /whole number/ },
  ])('refuses $value and leaves nothing behind', async ({ value, message }) => {
    expect(await failing(...BASE, '--replicas', value, '--out', 'bad')).toMatch(message);
    expect(existsSync(path('bad'))).toBe(false);
  });
});
