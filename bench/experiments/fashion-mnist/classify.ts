import { createRunner } from '../runner.js';
import type { Arm, Measured } from './outcome.js';

export const runner = createRunner('fashion-mnist', { jobs: 2, threads: 2 });
export const config = (name: string): string[] => ['--config', `bench/experiments/fashion-mnist/${name}.yaml`];

const CLASSES = 10;

export interface Classifier {
  readonly arm: Arm;
  readonly checkpoint?: string;
  readonly labels: number;
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize?: number;
  /** Of partial tuning. */
  readonly blocks?: number;
  /** What tuning sets besides its configuration; probes do not read it. */
  readonly tuning?: readonly string[];
}

/** Trains a classifier and measures it once, at the end. */
export async function classify(name: string, options: Classifier): Promise<Measured> {
  const { arm, checkpoint, labels, seed, epochs, batchSize, blocks, tuning = [] } = options;
  const isProbe = arm.startsWith('linear probe');
  const run = await runner.run(name, [
    ...['finetune', 'classify', ...config(isProbe ? 'probe' : 'finetune')],
    ...(checkpoint === undefined ? [] : ['--checkpoint', checkpoint]),
    ...(labels < 60_000 ? ['--set', `data.limitPerClass=${labels / CLASSES}`] : []),
    ...(isProbe ? [] : tuning.flatMap((each) => ['--set', each])),
    ...(arm === 'from scratch' ? ['--set', 'optimizer.layerDecay=1'] : []),
    ...(blocks === undefined ? [] : ['--mode', 'partial', '--blocks', String(blocks)]),
    ...['--epochs', String(epochs), '--seed', String(seed)],
    ...(batchSize === undefined ? [] : ['--batch-size', String(batchSize)]),
  ]);
  return { value: run.metrics.valTop1!, run };
}
