import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { finished, startCli } from '../commands/run-cli.js';
import { TINY_MODEL } from '../commands/tiny-model.js';
import { MINUTES, useWorkFolder } from '../commands/work-folder.js';
import { writePictures } from '../pictures/tiny-pictures.js';

const { path } = useWorkFolder();
const isFull = process.env.MAE_TASKS_FULL === '1' && process.platform === 'linux';

beforeAll(async () => {
  await writePictures(path('photos'), 40);
});

// Steps, evaluations, drawings and checkpoints in turns: whatever keeps something of each of them grows by then.
it.runIf(isFull)(
  'a run of 6,000 steps needs no more memory at its end than after its first thousand',
  async () => {
    const { steps, megabytes } = await memoryOfRun(6000);
    const between = (from: number, to: number): number =>
      median(megabytes.filter((_, i) => steps[i]! > from && steps[i]! <= to));
    const [early, late] = [between(1000, 2000), between(5000, 6000)];
    expect(steps.at(-1)).toBeGreaterThan(5900);
    expect(late, `${early.toFixed(0)} MB after 1,000 steps, ${late.toFixed(0)} MB after 5,000`).toBeLessThan(
      1.1 * early,
    );
  },
  60 * MINUTES,
);

/** The resident memory of a training's process, each time that it says to have made steps. */
async function memoryOfRun(numSteps: number): Promise<{ readonly steps: number[]; readonly megabytes: number[] }> {
  const stepsPerEpoch = 8;
  const child = startCli(
    [
      ...['pretrain', '--data', 'photos', '--val-fraction', '0.2', '--batch-size', '4', ...TINY_MODEL],
      ...['threads=1', 'data.workers=1', 'samples.count=4', 'samples.everyEpochs=5', 'checkpoint.everyEpochs=10'],
      ...['--epochs', String(numSteps / stepsPerEpoch), '--out', 'run', '--json'],
    ],
    { cwd: path() },
  );
  const [steps, megabytes]: [number[], number[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => {
    const step = [...chunk.toString().matchAll(/"step":(\d+)/gu)].at(-1)?.[1];
    if (step === undefined) return;
    steps.push(Number(step));
    megabytes.push(residentMegabytes(child.pid!));
  });
  const { status, stderr } = await finished(child);
  expect(status, stderr).toBe(0);
  return { steps, megabytes };
}

function residentMegabytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
