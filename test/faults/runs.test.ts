import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '#core/base/random.js';
import { finished, jsonLines, startCli } from '../commands/run-cli.js';
import { TINY_MODEL } from '../commands/tiny-model.js';
import { MINUTES, useWorkFolder } from '../commands/work-folder.js';
import { writePictures } from '../pictures/tiny-pictures.js';

const { path, run, succeeding, failing } = useWorkFolder();
const TRAIN = [
  ...['pretrain', '--data', 'photos', ...TINY_MODEL, 'threads=1', 'samples.count=0', 'data.workers=0'],
  ...['--batch-size', '4', '--val-fraction', '0.25'],
];
const FULL = process.env.MAE_TASKS_FULL === '1';

beforeAll(async () => {
  await writePictures(path('photos'), 16);
});

const namesOf = async (folder: string) =>
  JSON.parse(gunzipSync(await readFile(path(folder, 'pictures.json.gz'))).toString('utf8')) as {
    readonly train: readonly string[];
    readonly heldOut: readonly string[];
  };

describe('a run is one process’s', () => {
  it(
    'two that start at once take two folders',
    async () => {
      const both = await Promise.all([1, 2].map(() => run(...TRAIN, '--epochs', '1', '--json')));
      expect(both.map(({ status, stderr }) => [status, stderr.includes('error')])).toEqual([
        [0, false],
        [0, false],
      ]);
      const runs = both.map(({ stdout }) => jsonLines(stdout).find(({ type }) => type === 'finished')!.run);
      expect(runs.map(String).sort()).toEqual([path('runs/pretrain/run1'), path('runs/pretrain/run2')]);
      for (const name of runs) expect(await readdir(String(name))).not.toContain('run.lock');
    },
    2 * MINUTES,
  );

  it(
    'of two that train in one folder, the second is refused, and the lock of a dead one is not',
    async () => {
      const first = startCli([...TRAIN, '--epochs', '400', '--out', 'one', '--json'], { cwd: path() });
      const ended = finished(first);
      await new Promise<void>((resolve) => {
        first.stdout.on('data', (chunk: Buffer) => {
          if (chunk.toString().includes('"metrics"')) resolve();
        });
      });
      const words = new RegExp(`being trained by process ${first.pid}, since .*wait until it ends`, 'u');
      expect(await failing('pretrain', '--resume', 'one')).toMatch(words);
      first.kill('SIGKILL');
      await ended;
      expect(await readdir(path('one'))).toContain('run.lock');
      const resumed = startCli(['pretrain', '--resume', 'one', '--json'], { cwd: path() });
      const result = finished(resumed);
      await new Promise<void>((resolve) => {
        resumed.stdout.on('data', (chunk: Buffer) => {
          if (chunk.toString().includes('"metrics"')) resolve();
        });
      });
      resumed.kill('SIGTERM');
      expect((await result).status).toBe(143);
      expect(await readdir(path('one'))).not.toContain('run.lock');
    },
    2 * MINUTES,
  );

  it('the lock of another host is told, and of a process whose number is another’s now is not', async () => {
    await succeeding(...TRAIN, '--epochs', '1', '--out', 'hosts');
    const lock = { host: 'elsewhere', pid: 1, started: null, since: '2024-05-01T00:00:00.000Z' };
    await writeFile(path('hosts/run.lock'), JSON.stringify(lock));
    expect(await failing('pretrain', '--resume', 'hosts', '--epochs', '2')).toMatch(
      /process 1 on elsewhere, since 2024-05-01.*remove .*run\.lock/u,
    );
    const reused = { ...lock, host: hostname(), pid: process.pid, started: 'another boot 17' };
    await writeFile(path('hosts/run.lock'), JSON.stringify(reused));
    await succeeding('pretrain', '--resume', 'hosts', '--epochs', '2');
  });
});

describe('a start that was killed', () => {
  it(
    'at any moment can be started again, or resumed',
    async () => {
      const random = createRandom(11);
      for (let round = 0; round < (FULL ? 30 : 2); round++) {
        const out = `early${round}`;
        const child = startCli([...TRAIN, '--epochs', '2', '--out', out], { cwd: path() });
        setTimeout(() => child.kill('SIGKILL'), 300 + random.integer(2500));
        await finished(child);
        const again = await run(...TRAIN, '--epochs', '2', '--out', out);
        if (again.status !== 0) {
          expect(again.stderr).toMatch(/holds a run already/u);
          await succeeding('pretrain', '--resume', out);
        }
        expect(await readdir(path(out, 'weights'))).toContain('last.safetensors');
      }
    },
    10 * MINUTES,
  );

  it('begins anew where there is no checkpoint, and says so', async () => {
    await succeeding(...TRAIN, '--epochs', '1', '--out', 'anew');
    await rm(path('anew/weights'), { recursive: true });
    const { status, stderr } = await run('pretrain', '--resume', 'anew');
    expect(stderr).toMatch(/ended before its first checkpoint: it begins anew/u);
    expect(status).toBe(0);
    expect(await readdir(path('anew/weights'))).toContain('last.safetensors');
  });

  it('that fails leaves no folder behind', async () => {
    await failing(...TRAIN, '--epochs', '1', '--out', 'failed', '--val', 'nowhere');
    await failing('pretrain', '--data', 'nowhere', '--out', 'failed');
    expect(await readdir(path())).not.toContain('failed');
  });
});

describe('other pictures than a run began with', () => {
  it(
    'are named, and trained on only where that is allowed; what was held out stays so',
    async () => {
      await cp(path('photos'), path('album'), { recursive: true });
      const flags = [...TRAIN.map((flag) => (flag === 'photos' ? 'album' : flag)), '--out', 'changed'];
      await succeeding(...flags, '--epochs', '1');
      const { heldOut } = await namesOf('changed');
      const pictures = (await readdir(path('album'))).sort();
      await rm(
        path(
          'album',
          pictures.find((name) => !heldOut.includes(name))!,
        ),
      );
      for (const name of ['new-1.png', 'new-2.png', 'new-3.png'])
        await cp(path('album', heldOut[0]!), path('album', name));
      const refused = await failing('pretrain', '--resume', 'changed', '--epochs', '2');
      expect(refused).toMatch(/to train on: 3 added \(new-1\.png, new-2\.png, new-3\.png\), 1 removed/u);
      expect(refused).toMatch(/--allow-changed-data/u);
      const { status, stderr } = await run('pretrain', '--resume', 'changed', '--epochs', '2', '--allow-changed-data');
      expect(stderr).toMatch(/other pictures than when the run began/u);
      expect(status).toBe(0);
      const now = await namesOf('changed');
      expect(now.heldOut).toEqual(heldOut);
      expect(now.train.filter((name) => heldOut.includes(name))).toEqual([]);
      expect(now.train).toEqual(expect.arrayContaining(['new-1.png', 'new-2.png', 'new-3.png']));
    },
    2 * MINUTES,
  );

  it(
    'never make a run that was stopped within an epoch go round without a step',
    async () => {
      await writePictures(path('many'), 40);
      const flags = TRAIN.map((flag) => (flag === 'photos' ? 'many' : flag));
      const child = startCli([...flags, '--epochs', '200', '--out', 'within', '--json'], { cwd: path() });
      child.stdout.on('data', (chunk: Buffer) => {
        if (/"step":[567],/u.test(chunk.toString())) child.kill('SIGTERM');
      });
      expect((await finished(child)).status).toBe(143);
      for (const name of (await readdir(path('many'))).slice(0, 30)) await rm(path('many', name));
      expect(await failing('pretrain', '--resume', 'within')).toMatch(/30 removed|other pictures/u);
      // Its checkpoint as earlier versions wrote it, without the names of its pictures, and an end that is near.
      const { status } = await run('pretrain', '--resume', 'within', '--allow-changed-data', '--epochs', '3');
      expect(status).toBe(0);
    },
    2 * MINUTES,
  );
});

describe('a run that is to be longer', () => {
  it('says what its rate does, and is refused where it is to be shorter', async () => {
    await succeeding(...TRAIN, '--epochs', '2', '--out', 'longer', '--set', 'optimizer.warmupEpochs=0');
    const longer = await succeeding('pretrain', '--resume', 'longer', '--epochs', '4');
    expect(longer).toMatch(
      /of another length: 4 epochs instead of 2; the rate is half a cosine over all 4 epochs, so that it goes on at .* after epoch 2 \(it was at 0/u,
    );
    expect(await failing('pretrain', '--resume', 'longer', '--epochs', '3')).toMatch(/fewer than the 4/u);
  });

  it('says where the record of its numbers is cut or missing', async () => {
    await succeeding(...TRAIN, '--epochs', '2', '--out', 'record');
    await rm(path('record/metrics.jsonl'));
    const missing = await run('pretrain', '--resume', 'record', '--epochs', '3');
    expect([missing.status, missing.stderr]).toEqual([
      0,
      expect.stringMatching(/metrics\.jsonl has no record of the 6/u),
    ]);
    await mkdir(path('kept'), { recursive: true });
    const whole = await readFile(path('record/metrics.jsonl'), 'utf8');
    await writeFile(path('record/metrics.jsonl'), whole.slice(0, whole.indexOf('\n') + 20));
    const cut = await run('pretrain', '--resume', 'record', '--epochs', '4');
    expect([cut.status, cut.stderr]).toEqual([0, expect.stringMatching(/metrics\.jsonl ends at step 7, and 9 steps/u)]);
  });
});
