import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import { TINY_MODEL } from './tiny-model.js';
import { writePictures } from '../pictures/tiny-pictures.js';
import { finished, jsonLines, runCli, startCli } from './run-cli.js';

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'mae-pretrain-')));
  await writePictures(join(folder, 'photos'), 12);
});
afterAll(() => rm(folder, { recursive: true }));

/** In the ordinary suite; more in the full one. */
const KILLS = process.env.MAE_TASKS_FULL === '1' ? 10 : 4;
const BASE = ['pretrain', '--data', 'photos', ...TINY_MODEL, 'threads=1', 'samples.count=2', '--batch-size', '4'];

async function weightsOf(run: string): Promise<Map<string, Buffer>> {
  const { tensors } = await readSafetensors(join(run, 'weights', 'last.safetensors'));
  return new Map(
    [...tensors].map(([name, { data }]) => [name, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]),
  );
}

function withoutTimes(jsonl: string): unknown[] {
  return jsonLines(jsonl).map(({ imagesPerSecond: _, ...rest }) => rest);
}

async function expectSameRun(actual: string, expected: string): Promise<void> {
  const [a, b] = [await weightsOf(actual), await weightsOf(expected)];
  expect([...a.keys()]).toEqual([...b.keys()]);
  for (const [name, bytes] of b) expect(Buffer.compare(a.get(name)!, bytes), name).toBe(0);
  const [c, d] = await Promise.all([actual, expected].map((run) => readFile(join(run, 'metrics.jsonl'), 'utf8')));
  expect(withoutTimes(c!)).toEqual(withoutTimes(d!));
}

describe('mae-tasks pretrain', () => {
  it('makes a run with everything in it, and says what it made', async () => {
    const { status, stdout, stderr } = await runCli([...BASE, '--epochs', '2', '--val-fraction', '0.25'], {
      cwd: folder,
    });
    // Four steps teach nothing, and nothing else is to be said.
    expect(stderr).toMatch(/^warning: after epoch 1 of 2, `loss` \(=[\d.]+\) has not left that of a model that .*\n$/u);
    expect(status).toBe(0);
    expect(stdout).toMatch(/9 pictures, 3 held out/);
    expect(stdout).toMatch(/epoch 2\/2/);
    expect(stdout).toMatch(/valLoss/);
    expect(stdout).toMatch(/mae-tasks visualize --checkpoint/);
    const run = join(folder, 'runs', 'pretrain', 'run1');
    const files = [
      'config.yaml',
      'environment.json',
      'metrics.jsonl',
      'results.csv',
      'curves.svg',
      'curves.png',
      'report.html',
    ];
    for (const file of files) expect(existsSync(join(run, file)), file).toBe(true);
    expect((await readdir(join(run, 'weights'))).sort()).toEqual(['best.safetensors', 'last.safetensors']);
    expect(await readdir(join(run, 'samples'))).toContain('reconstructions-epoch-0002.png');
    expect((await readdir(join(run, 'events'))).length).toBe(1);
    expect(await realpath(join(folder, 'runs', 'pretrain', 'latest'))).toBe(run);
    const sheet = await sharp(join(run, 'samples', 'reconstructions-epoch-0002.png')).metadata();
    expect(sheet.width).toBeGreaterThan(4 * 100);
    const config = parse(await readFile(join(run, 'config.yaml'), 'utf8')) as {
      epochs: number;
      optimizer: { blr: number };
    };
    expect(config.epochs).toBe(2);
    expect(config.optimizer.blr).toBe(1.5e-4);
    const environment = JSON.parse(await readFile(join(run, 'environment.json'), 'utf8')) as { engine: string };
    expect(environment.engine).toMatch(/onnx/);
  });

  it('writes JSON lines and nothing else on stdout with --json', async () => {
    const { status, stdout } = await runCli([...BASE, '--epochs', '1', '--json', '--out', 'json'], { cwd: folder });
    expect(status).toBe(0);
    const lines = jsonLines(stdout);
    expect(lines[0]).toMatchObject({ type: 'start', firstStep: 0 });
    expect(lines.filter(({ type }) => type === 'metrics').map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(lines.at(-1)).toMatchObject({ type: 'finished', run: join(folder, 'json'), badImages: 0 });
  });

  it('saves every few epochs where that is asked for, and always the last', async () => {
    const args = [...BASE, '--epochs', '5', '--val-fraction', '0.25', '--set', 'evaluation.everyEpochs=5'];
    const saves = async (out: string, ...more: string[]): Promise<number> => {
      const { status, stdout } = await runCli([...args, ...more, '--json', '--out', out], { cwd: folder });
      expect(status).toBe(0);
      return jsonLines(stdout).filter(({ type, best }) => type === 'checkpoint' && best === false).length;
    };
    // Before the first step, and at the ends of epochs.
    expect(await saves('often')).toBe(1 + 5);
    expect(await saves('seldom', 'checkpoint.everyEpochs=2')).toBe(1 + 2 + 1);
    await expectSameRun(join(folder, 'seldom'), join(folder, 'often'));
  });

  it('saves on SIGINT, says how to resume, and then comes to the same end', async () => {
    const args = [...BASE, '--epochs', '40', '--val-fraction', '0.25', '--set', 'samples.everyEpochs=40'];
    const whole = await runCli([...args, '--out', 'whole'], { cwd: folder });
    expect(whole.status).toBe(0);
    const child = startCli([...args, '--out', 'stopped'], { cwd: folder });
    const result = finished(child);
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGINT');
    const { status, stdout } = await result;
    expect(status).toBe(130);
    expect(stdout).toMatch(/everything is saved/);
    expect(stdout).toMatch(/mae-tasks pretrain --resume stopped/);
    const resumed = await runCli(['pretrain', '--out', 'stopped', '--resume'], { cwd: folder });
    expect(resumed.status).toBe(0);
    await expectSameRun(join(folder, 'stopped'), join(folder, 'whole'));
  });

  it(
    `survives ${KILLS} kills, in training and in saves, and ends as if there had been none`,
    { timeout: 300_000 },
    async () => {
      const settings = [...BASE, '--epochs', '60', '--val-fraction', '0.25', '--set', 'samples.everyEpochs=60'];
      await runCli([...settings, '--out', 'unharmed'], { cwd: folder });
      // A checkpoint after every step: most kills hit a save.
      let args: readonly string[] = [...settings, '--set', 'checkpoint.everySteps=1', '--out', 'killed', '--json'];
      let kills = 0;
      for (let round = 0; round < 40 && kills < KILLS; round++) {
        const child = startCli(args, { cwd: folder });
        const result = finished(child);
        let steps = 0;
        child.stdout.on('data', (chunk: Buffer) => {
          steps += chunk.toString('utf8').split('"type":"metrics"').length - 1;
          // A different moment each time: some steps on, and some milliseconds into whatever comes then.
          if (steps >= 3 + round) setTimeout(() => child.kill('SIGKILL'), (round * 7) % 20);
        });
        const { status } = await result;
        if (status === 'SIGKILL') kills++;
        if (status === 0) break;
        expect(status).toBe('SIGKILL');
        args = ['pretrain', '--resume', 'killed', '--json', '--set', 'checkpoint.everySteps=1'];
      }
      expect(kills).toBe(KILLS);
      const last = await runCli(['pretrain', '--resume', 'killed'], { cwd: folder });
      expect(last.stderr).toMatch(/^(?:warning: after epoch \d+ of 60, `loss` .* nothing is learned yet .*\n)?$/u);
      expect(last.status).toBe(0);
      await expectSameRun(join(folder, 'killed'), join(folder, 'unharmed'));
      const leftovers = (await readdir(join(folder, 'killed', 'weights'))).filter((name) => name.endsWith('.tmp'));
      expect(leftovers).toEqual([]);
    },
  );

  it('refuses to resume with other settings, and to start over a run', async () => {
    const other = await runCli(['pretrain', '--resume', 'json', '--batch-size', '5'], { cwd: folder });
    expect(other.status).toBe(1);
    expect(other.stderr).toMatch(/keeps its settings.*`batchSize` \(=5, in the checkpoint 4\)/);
    const file = await runCli(['pretrain', '--resume', 'json', '--config', 'json/config.yaml'], { cwd: folder });
    expect(file.status).toBe(1);
    expect(file.stderr).toMatch(/--config cannot be given/);
    const longer = await runCli(['pretrain', '--resume', 'json', '--epochs', '2', '--json'], { cwd: folder });
    expect(longer.status, longer.stderr).toBe(0);
    expect(jsonLines(longer.stdout).filter(({ type }) => type === 'metrics')).toHaveLength(3);
    const again = await runCli([...BASE, '--out', 'json'], { cwd: folder });
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/holds a run already.*--resume/);
    const none = await runCli(['pretrain', '--resume', 'nowhere'], { cwd: folder });
    expect(none.stderr).toMatch(/no run here.*nowhere/);
  });
});

describe('bad input to mae-tasks pretrain', () => {
  const cases: Array<{ what: string; args: string[]; message: RegExp }> = [
    { what: 'a folder that is not there', args: ['--data', 'nowhere'], message: /no such file or folder.*nowhere/ },
    { what: 'an empty folder', args: ['--data', 'empty'], message: /empty/ },
    { what: 'no data', args: [], message: /`data.*missing/ },
    {
      what: 'a patch that does not divide',
      args: ['--data', 'photos', '--image-size', '64', '--patch-size', '15'],
      message: /`imageSize` \(=64×64\) must be divisible by `patchSize` \(=15\)/,
    },
    {
      what: 'an unknown key',
      args: ['--data', 'photos', '--set', 'optimizer.blrr=1'],
      message: /`optimizer\.blrr` is not a setting.*`optimizer\.blr`/,
    },
    {
      what: 'a wrong type',
      args: ['--data', 'photos', '--set', 'epochs=many'],
      message: /`epochs` \(="many"\) is not valid/,
    },
    {
      what: 'an unknown preset',
      args: ['--data', 'photos', '--model', 'gigantic'],
      message: /`model\.preset` \(="gigantic"\)/,
    },
    { what: 'no whole number', args: ['--data', 'photos', '--epochs', 'ten'], message: /whole number/ },
    {
      what: 'a mask of everything',
      args: ['--data', 'photos', '--mask-ratio', '0.999'],
      message: /`maskRatio` \(=0\.999\)/,
    },
    {
      what: 'heads that do not divide',
      args: ['--data', 'photos', '--set', 'model.numHeads=5'],
      message: /`embedDim` \(=192\) must be divisible by `numHeads` \(=5\)/,
    },
    { what: 'an unknown flag', args: ['--data', 'photos', '--epoch', '1'], message: /unknown option.*--epoch/s },
  ];
  it.each(cases)('$what', async ({ args, message }) => {
    await rm(join(folder, 'empty'), { recursive: true, force: true });
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(folder, 'empty'));
    const { status, stderr } = await runCli(['pretrain', ...args, '--out', 'bad'], { cwd: folder });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(status).toBe(1);
    expect(existsSync(join(folder, 'bad')), 'nothing is left behind').toBe(false);
  });

  it('passes over broken pictures, counts and names them; --on-bad-image fail stops at the first', async () => {
    const mixed = await writePictures(join(folder, 'mixed'), 8);
    await writeFile(join(mixed, 'notes.jpg'), 'these are my notes');
    await truncate(join(mixed, 'picture-002.png'), 200);
    const jpeg = await sharp(join(mixed, 'picture-003.png')).resize(200, 200).jpeg().toBuffer();
    await writeFile(join(mixed, 'half.jpg'), jpeg.subarray(0, jpeg.length / 2));
    await sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } })
      .png()
      .toFile(join(mixed, 'one.png'));
    const flags = ['pretrain', '--data', 'mixed', ...TINY_MODEL, '--batch-size', '4', '--epochs', '3'];
    const skipped = await runCli([...flags, '--out', 'skipped'], { cwd: folder });
    expect(skipped.status).toBe(0);
    for (const name of ['notes.jpg', 'picture-002.png', 'half.jpg']) expect(skipped.stderr).toContain(name);
    expect(skipped.stderr).not.toContain('one.png');
    expect(skipped.stderr).toMatch(/3 broken pictures were passed over/);
    const failed = await runCli([...flags, '--out', 'failed', '--on-bad-image', 'fail'], { cwd: folder });
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/notes\.jpg|picture-002\.png|half\.jpg/);
  });

  it('a damaged checkpoint of a run is named when resuming', async () => {
    await runCli([...BASE, '--epochs', '1', '--out', 'damaged'], { cwd: folder });
    const path = join(folder, 'damaged', 'weights', 'last.safetensors');
    await truncate(path, 5000);
    const { status, stderr } = await runCli(['pretrain', '--resume', 'damaged'], { cwd: folder });
    expect(status).toBe(1);
    expect(stderr).toContain('last.safetensors');
  });
});
