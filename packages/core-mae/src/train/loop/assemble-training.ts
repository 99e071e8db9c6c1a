import { createRandom } from '../../base/random.js';
import type { Engine } from '../../contracts/engine.js';
import type { Objective } from '../../contracts/objective.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { vectorKernels } from '../../engine/kernels/select.js';
import type { AllocateParameters } from '../../nn/params.js';
import type { Optimizer } from '../../optim/optimizer.js';
import type { ParameterGroups } from '../../optim/param-groups.js';
import { type OptimizerSettings, scheduleOf } from '../settings/optimizer-settings.js';
import { startOfTraining } from './progress.js';
import { type LoopOptions, trainableShapes, type TrainingState } from './training.js';

/** The settings of the loop itself; the same for pretraining and for every task. */
export interface LoopSettings {
  readonly epochs: number;
  readonly accumIter: number;
  readonly seed: number;
  readonly optimizer: OptimizerSettings;
}

/** Everything that a training starts with: moments of 0 and, where one is kept, an average that is the weights. */
export function startingState(
  objective: Objective,
  parameters: ParameterTree,
  { optimizer, allocate, ema }: Pick<LoopOptions, 'optimizer' | 'allocate' | 'ema'>,
): TrainingState {
  const trainable = trainableShapes(objective);
  const average = ema === null ? undefined : allocate(trainable);
  for (const [name, { data: values }] of average ?? []) values.set(parameters.get(name)!.data);
  return { parameters, optimizer: optimizer.createState(trainable, allocate), average, progress: startOfTraining };
}

/** How the loop works for these settings. @param batchSize the pictures that a batch really has */
export function loopOptions(
  { epochs, accumIter, seed, optimizer: settings }: LoopSettings,
  batchSize: number,
  parts: {
    readonly engine: Engine;
    readonly allocate: AllocateParameters;
    readonly optimizer: Optimizer;
    readonly groups: ParameterGroups;
  },
): LoopOptions {
  return {
    ...parts,
    kernels: vectorKernels,
    schedule: scheduleOf(settings, epochs, batchSize * accumIter),
    accumIter,
    clipGrad: settings.clipGrad,
    ema: settings.ema,
    random: createRandom(seed),
  };
}
