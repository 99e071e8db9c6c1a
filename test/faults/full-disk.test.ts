import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { finished, startCli } from '../commands/run-cli.js';
import { TINY_MODEL } from '../commands/tiny-model.js';
import { MINUTES, useWorkFolder } from '../commands/work-folder.js';
import { writePictures } from '../pictures/tiny-pictures.js';

const { path, run, succeeding } = useWorkFolder();
const TRAIN = ['pretrain', '--data', 'photos', ...TINY_MODEL, 'threads=1', 'samples.count=0', 'data.workers=0'];

beforeAll(async () => {
  await writePictures(path('photos'), 8);
});

/** Whether a small disk can be made here, which takes the rights of an administrator. */
const canMount =
  process.platform === 'linux' &&
  spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' }).status === 0;

describe('a disk that is full', () => {
  it.runIf(canMount)(
    'ends a run with one sentence; what was saved before is whole, and goes on where there is room',
    async () => {
      mkdirSync(path('disk'));
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=330k', 'none', path('disk')]);
      expect(mounted.status).toBe(0);
      try {
        const { status, stderr } = await run(...TRAIN, '--epochs', '150', '--out', 'disk/run');
        expect(status).toBe(1);
        expect(stderr).toMatch(/^error: .*the disk is full \(ENOSPC\).*free some space.*is unchanged$/mu);
        expect(stderr).not.toMatch(/^\s+at /mu);
        expect(spawnSync('cp', ['-r', path('disk/run'), path('moved')]).status).toBe(0);
      } finally {
        spawnSync('umount', [path('disk')]);
      }
      expect(await succeeding('pretrain', '--resume', 'moved', '--json')).toContain('"finished"');
    },
    2 * MINUTES,
  );
});

describe('a folder that is taken away', () => {
  it(
    'ends its run with one sentence',
    async () => {
      const child = startCli([...TRAIN, '--epochs', '100000', '--out', 'gone', '--json'], { cwd: path() });
      const ended = finished(child);
      let isGone = false;
      child.stdout.on('data', (chunk: Buffer) => {
        if (isGone || !chunk.toString().includes('"metrics"')) return;
        isGone = true;
        rmSync(path('gone'), { recursive: true, force: true });
      });
      const { status, stderr } = await ended;
      expect(status).toBe(1);
      expect(stderr).toMatch(/^error: .*gone/mu);
      expect(stderr).not.toMatch(/^\s+at /mu);
    },
    MINUTES,
  );
});
