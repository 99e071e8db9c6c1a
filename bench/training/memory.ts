import { presets } from '../../packages/core-mae/src/models/presets.js';
import { timeSteps } from './mae-step.js';

/** Resident memory in MiB after a garbage collection, where Node was started with one to call. */
function residentMiB(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().rss / 2 ** 20;
}

/**
 * Whether memory stays flat: resident memory after 500 steps over that after the first 50, each on fresh batches of a
 * small model. At most 1.05.
 */
export async function run(): Promise<object> {
  const config = { ...presets.tiny, imageSize: [32, 32], patchSize: 8, depth: 2, decoderDepth: 1 } as const;
  const samples: number[] = [];
  const onStep = (step: number): void => {
    if (step % 50 === 0) samples.push(residentMiB());
  };
  await timeSteps({ config, batchSize: 16, steps: 500, onStep });
  return { name: 'memory', ratio: samples.at(-1)! / samples[0]!, limit: 1.05, residentMiB: samples.map(Math.round) };
}
