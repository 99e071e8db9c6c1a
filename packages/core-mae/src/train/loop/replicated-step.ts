import type { Engine, Replication } from '../../contracts/engine.js';
import type { BatchedFunction, Objective, TrainStep } from '../../contracts/objective.js';
import { MaeError } from '../../base/errors.js';
import { shapesOf } from '../../nn/params.js';
import { scalarsOf, STATE_PREFIX } from './steps.js';

export interface ReplicatedStepOptions {
  readonly engine: Engine;
  /** Of the whole batch. */
  readonly batchSize: number;
  readonly replicas: number;
  /** Names of the parameters that gradients are wanted for. */
  readonly gradients: readonly string[];
}

/**
 * The objective's training step with every batch split into equal parts that run at once. Loss and gradients are the
 * whole batch's up to the order of sums.
 *
 * @throws MaeError `CONFIG_INVALID` where engine, objective or batch cannot be split so
 */
export async function createReplicatedStep(objective: Objective, options: ReplicatedStepOptions): Promise<TrainStep> {
  const { batchSize, replicas, gradients } = options;
  const { training, collateParts, replication } = splittable(objective, options);
  const program = await replication.compile(
    {
      name: `${objective.name}.train`,
      fn: training.fn,
      parameters: shapesOf(objective.parameters),
      batch: training.batchSpec(batchSize / replicas),
      gradients,
    },
    replicas,
  );
  return {
    async run(parameters, samples, { random, gradients: results }) {
      const parts = await program.run(parameters, collateParts(samples, random, replicas), results);
      const means: Record<string, number> = {};
      for (const outputs of parts) {
        const state = Object.keys(outputs).find((name) => name.startsWith(STATE_PREFIX));
        if (state !== undefined) throw new Error(`The output "${state}" belongs to a whole batch, which was split.`);
        for (const [name, value] of Object.entries(scalarsOf(outputs))) {
          means[name] = (means[name] ?? 0) + value / replicas;
        }
      }
      return means;
    },
    dispose: () => program.dispose(),
  };
}

/** Why batches of this training cannot be split, as `what` and `fix` of an error, or undefined where they can. */
export function whyUnsplittable(
  { name, training }: Objective,
  { engine, batchSize, replicas }: Pick<ReplicatedStepOptions, 'engine' | 'batchSize' | 'replicas'>,
): { readonly what: string; readonly fix: string } | undefined {
  const setting = `\`replicas\` (=${replicas})`;
  if (engine.replication === undefined) {
    return { what: `${setting} needs the compiled engine on the CPU, not ${engine.description}`, fix: 'use 1' };
  }
  if (!('collateParts' in training) || training.collateParts === undefined) {
    return { what: `${setting} cannot be: a batch of "${name}" cannot be split`, fix: 'use 1' };
  }
  if (batchSize % replicas !== 0) {
    return { what: `${setting} must divide the batch (=${batchSize})`, fix: 'change `replicas` or `batchSize`' };
  }
  return undefined;
}

interface Splittable {
  readonly training: BatchedFunction;
  readonly collateParts: NonNullable<BatchedFunction['collateParts']>;
  readonly replication: Replication;
}

function splittable(objective: Objective, options: ReplicatedStepOptions): Splittable {
  const reason = whyUnsplittable(objective, options);
  if (reason !== undefined) throw new MaeError('CONFIG_INVALID', reason);
  const training = objective.training as BatchedFunction;
  return { training, collateParts: training.collateParts!, replication: options.engine.replication! };
}
