import type { Engine } from '../../contracts/engine.js';
import type { Sample } from '../../contracts/dataset.js';
import { timedIteration } from '../../contracts/recorder.js';
import type { Evaluator, Objective } from '../../contracts/objective.js';
import type { Random } from '../../contracts/random.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { createForwardStep } from './steps.js';

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
  options: EvaluateOptions,
): Promise<Readonly<Record<string, number>> | undefined> {
  return (await runEvaluator(parameters, options))?.compute();
}

/** The objective's evaluator after a whole data set, or undefined where it was interrupted. */
export async function runEvaluator(
  parameters: ParameterTree,
  { engine, objective, batchSize, batches, random, shouldStop }: EvaluateOptions,
): Promise<Evaluator<unknown> | undefined> {
  const name = `${objective.name}.evaluate`;
  const step = await createForwardStep(name, objective.evaluation, objective.parameters, { engine, batchSize });
  try {
    const evaluator = objective.createEvaluator();
    let index = 0;
    for await (const samples of timedIteration(engine.recorder, 'waiting for data', batches)) {
      evaluator.update(await step.run(parameters, samples, random.fork('batch', index)), samples);
      index++;
      if (shouldStop?.() === true) return undefined;
    }
    return evaluator;
  } finally {
    step.dispose();
  }
}
