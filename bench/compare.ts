import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

/** What one run of one side reports. */
export interface Measurement {
  readonly seconds: number;
  /** Highest resident memory of the process, in MiB. */
  readonly peakMiB: number;
}

export interface Comparison {
  readonly name: string;
  /** Our median time over the peer's: below 1 we are faster. */
  readonly ratio: number;
  readonly memoryRatio: number;
  readonly ours: Measurement;
  readonly peer: Measurement;
  readonly rounds: number;
  /** The peer's version and how it was set. */
  readonly setting: string;
  readonly machine: string;
}

/**
 * Both sides measured in turn, each in a process of its own, so that neither warms the other's caches alone.
 *
 * @param usualRounds how often each side is measured, where `MAE_TASKS_BENCH_ROUNDS` says nothing else
 * @param ours a script and its arguments, run with this Node; it ends by printing `{"seconds", "peakMiB"}`
 * @param peer the same for the Python that `MAE_TASKS_PYTHON` names; it may also print `setting`
 */
export function compare(
  name: string,
  usualRounds: number,
  ours: readonly string[],
  peer: readonly string[],
): Comparison {
  const python = process.env.MAE_TASKS_PYTHON;
  if (python === undefined || !existsSync(python)) {
    throw new Error(`Set MAE_TASKS_PYTHON to a Python that has the peer of ${name} (pip install pycocotools)`);
  }
  const rounds = Number(process.env.MAE_TASKS_BENCH_ROUNDS ?? usualRounds);
  const mine: Measurement[] = [];
  const theirs: Array<Measurement & { readonly setting?: string }> = [];
  for (let round = 0; round < rounds; round++) {
    mine.push(runOnce(process.execPath, ['--import', 'tsx', ...ours]));
    theirs.push(runOnce(python, peer));
  }
  const ourMedian = medians(mine);
  const peerMedian = medians(theirs);
  return {
    name,
    ratio: ourMedian.seconds / peerMedian.seconds,
    memoryRatio: ourMedian.peakMiB / peerMedian.peakMiB,
    ours: ourMedian,
    peer: peerMedian,
    rounds,
    setting: theirs[0]?.setting ?? '',
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} threads, Node ${process.versions.node}`,
  };
}

/** The path of a file beside the benches. */
export function benchFile(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Prints what `compare` reads. */
export function reportMeasurement(seconds: number): void {
  const measurement: Measurement = { seconds, peakMiB: process.resourceUsage().maxRSS / 1024 };
  console.log(JSON.stringify(measurement));
}

function runOnce(command: string, args: readonly string[]): Measurement & { readonly setting?: string } {
  const { stdout, status } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status ?? 'a signal'}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Measurement & { readonly setting?: string };
}

function medians(measurements: readonly Measurement[]): Measurement {
  const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return {
    seconds: median(measurements.map(({ seconds }) => seconds)),
    peakMiB: median(measurements.map(({ peakMiB }) => peakMiB)),
  };
}
