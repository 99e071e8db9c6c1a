import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { benchFile, type Measurement, reportMeasurement } from '../compare.js';
import { stepSettings, timeSteps } from './mae-step.js';

const THREADS = 2;
const ROUNDS = 3;

/**
 * Forward and backward pass of setting (b) in two replicas of one thread against one session of two threads, each side
 * in processes of its own, alternating. Below 1, replicas are faster. Needs the built worker (`npm run build`).
 */
export function run(): object {
  const sides: Record<'replicas' | 'session', Measurement[]> = { replicas: [], session: [] };
  for (let round = 0; round < ROUNDS; round++) {
    sides.replicas.push(inProcess(2));
    sides.session.push(inProcess(1));
  }
  const [ours, peer] = [median(sides.replicas), median(sides.session)];
  return {
    name: 'replicas (b)',
    ratio: ours.seconds / peer.seconds,
    memoryRatio: ours.peakMiB / peer.peakMiB,
    ours,
    peer,
    rounds: ROUNDS,
    setting: `2 replicas of 1 thread against 1 session of ${THREADS} threads, batch ${stepSettings.b.batchSize}`,
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} threads, Node ${process.versions.node}`,
  };
}

function inProcess(count: number): Measurement {
  const args = ['--import', 'tsx', benchFile('training/replicas.ts'), String(count)];
  const { stdout, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`bench/training/replicas.ts ${count} ended with ${status ?? 'a signal'}`);
  return JSON.parse(stdout) as Measurement;
}

function median(measurements: readonly Measurement[]): Measurement {
  return [...measurements].sort((a, b) => a.seconds - b.seconds)[Math.floor(measurements.length / 2)]!;
}

// As a process of its own: one number of replicas, measured.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const replicas = Number(process.argv[2]);
  const { seconds, optimizerSeconds } = await timeSteps({ ...stepSettings.b, replicas }, { threads: THREADS });
  reportMeasurement(seconds - optimizerSeconds);
}
