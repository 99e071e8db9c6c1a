import type { Engine, Program } from '../contracts/engine.js';
import type { Sample } from '../contracts/dataset.js';
import type { Objective } from '../contracts/objective.js';
import type { Random } from '../contracts/random.js';
import type { ParameterTree } from '../contracts/tensor.js';
import { shapesOf } from '../nn/params.js';

export interface EvaluateOptions {
  readonly engine: Engine;
  readonly objective: Objective;
  readonly batchSize: number;
  /** The data set in order; the last batch may be short. */
  readonly batches: AsyncIterable<readonly Sample[]>;
  /** The same stream gives the same masks at every evaluation. */
  readonly random: Random;
  /** Asked after every batch; an evaluation that is interrupted gives no metrics. */
  readonly shouldStop?: (() => boolean) | undefined;
}

/** The objective's metrics over a data set, or undefined where it was interrupted. */
export async function evaluate(
  parameters: ParameterTree,
  { engine, objective, batchSize, batches, random, shouldStop }: EvaluateOptions,
): Promise<Readonly<Record<string, number>> | undefined> {
  const { fn, batchSpec, collate } = objective.evaluation;
  const program: Program = await engine.compile({
    name: `${objective.name}.evaluate`,
    fn,
    parameters: shapesOf(objective.parameters),
    batch: batchSpec(batchSize),
  });
  try {
    const evaluator = objective.createEvaluator();
    let index = 0;
    for await (const samples of batches) {
      const outputs = await program.run(parameters, collate(padded(samples, batchSize), random.fork('batch', index)));
      evaluator.update(outputs, samples);
      index++;
      if (shouldStop?.() === true) return undefined;
    }
    return evaluator.compute();
  } finally {
    program.dispose();
  }
}

/** A short batch filled up with its first sample, because programs have fixed shapes. */
export function padded(samples: readonly Sample[], batchSize: number): readonly Sample[] {
  const missing = batchSize - samples.length;
  return missing <= 0 ? samples : [...samples, ...Array.from({ length: missing }, () => samples[0]!)];
}
