import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import { toFloat32 } from '#core/checkpoint/files/stored-tensor.js';
import { createRunner } from '../../bench/experiments/runner.js';
import { root } from './guide-code.js';
import { TINY_MODEL } from './tiny-model.js';
import { writePictures } from '../pictures/tiny-pictures.js';
import { finished, startCli } from './run-cli.js';

const MINUTES = 60_000;
const EXPERIMENT = `test-${process.pid}`;

let pictures: string;
let command: string[];
beforeAll(async () => {
  vi.spyOn(console, 'error').mockReturnValue();
  pictures = await mkdtemp(join(tmpdir(), 'mae-tasks-experiment-'));
  await writePictures(pictures, 12);
  command = ['pretrain', '--data', pictures, ...TINY_MODEL, '--epochs', '30', '--batch-size', '4', '--workers', '0'];
});
afterAll(async () => {
  await rm(pictures, { recursive: true });
  await rm(join(root, 'runs/experiments', EXPERIMENT), { recursive: true, force: true });
});

const createTestRunner = () => createRunner(EXPERIMENT, { jobs: 2, threads: 2 });

describe('a run of an experiment', () => {
  it(
    'is trained once, however often and from wherever it is asked for',
    async () => {
      const runner = createTestRunner();
      const [first, second] = await Promise.all([runner.run('once', command), runner.run('once', command)]);
      expect(second).toBe(first);
      expect(first.command).toContain(`--out runs/experiments/${EXPERIMENT}/once`);
      expect(first.metrics.epochLoss).toBeGreaterThan(0);
      const metrics = join(root, first.folder, 'metrics.jsonl');
      const { mtimeMs } = await stat(metrics);
      // Another process, later.
      expect(await createTestRunner().run('once', command)).toEqual(first);
      expect((await stat(metrics)).mtimeMs).toBe(mtimeMs);
      await expect(stat(join(root, first.folder, 'weights'))).rejects.toThrow(/ENOENT/u);
    },
    2 * MINUTES,
  );

  it.runIf(process.env.MAE_TASKS_FULL === '1')(
    'goes on where it was killed, to the same end',
    async () => {
      const runner = createTestRunner();
      const whole = await runner.run('whole', command, { keepWeights: true });
      const out = ['--out', runner.folder('killed'), '--set', 'checkpoint.everySteps=1', 'threads=1', '--json'];
      const child = startCli([...command, ...out], { cwd: root });
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"step":8,')) child.kill('SIGKILL');
      });
      expect((await finished(child)).status).toBe('SIGKILL');
      const killed = await runner.run('killed', command, { keepWeights: true });
      expect(killed.metrics).toEqual(whole.metrics);
      const weights = (folder: string) => readSafetensors(join(root, folder, 'weights/last.safetensors'));
      const [expected, actual] = [await weights(whole.folder), await weights(killed.folder)];
      for (const [name, tensor] of expected.tensors) {
        expect(toFloat32(actual.tensors.get(name)!, name), name).toEqual(toFloat32(tensor, name));
      }
    },
    2 * MINUTES,
  );

  it('that fails ends the experiment, naming the command', async () => {
    const bad = [...command, '--mask-ratio', '7'];
    await expect(createTestRunner().run('bad', bad)).rejects.toThrow(
      /ended with 1: mae-tasks pretrain .*--mask-ratio 7/u,
    );
  });
});
