import type { Engine } from '../../contracts/engine.js';
import type { Sample } from '../../contracts/dataset.js';
import type { BatchedFunction, Forward, ForwardStep, Objective, TrainStep } from '../../contracts/objective.js';
import type { Outputs, ParameterTree } from '../../contracts/tensor.js';
import { shapesOf } from '../../nn/params.js';

/** Outputs with this prefix are new values of parameters that are not trained by gradients. */
export const STATE_PREFIX = 'state.';

interface StepSetting {
  readonly engine: Engine;
  readonly batchSize: number;
}

/** The objective's training step: its one compiled program, or what it creates itself. */
export async function createTrainStep(
  objective: Objective,
  { engine, batchSize, gradients }: StepSetting & { readonly gradients: readonly string[] },
): Promise<TrainStep> {
  const { training } = objective;
  if ('createStep' in training) return training.createStep({ engine, batchSize, gradients });
  const program = await engine.compile({
    name: `${objective.name}.train`,
    fn: training.fn,
    parameters: shapesOf(objective.parameters),
    batch: training.batchSpec(batchSize),
    gradients,
  });
  return {
    async run(parameters, samples, { random, gradients: results }) {
      const outputs = await program.run(parameters, training.collate(samples, random), results);
      // A loss that is not finite ends the run; what it was computed with stays as it was.
      if (Number.isFinite(outputs.loss?.data[0])) updateState(parameters, outputs);
      return scalarsOf(outputs);
    },
    dispose: () => {
      program.dispose();
    },
  };
}

/** A forward pass: one compiled program, or what `forward` creates itself. What it gives is for its own task to know. */
export function createForwardStep(
  name: string,
  forward: Forward<unknown>,
  parameters: Objective['parameters'],
  setting: StepSetting,
): Promise<ForwardStep<unknown>> {
  if ('createStep' in forward) return forward.createStep(setting);
  return compileForward(name, forward, parameters, setting);
}

/** A forward pass of one compiled program. */
export async function compileForward(
  name: string,
  forward: BatchedFunction,
  parameters: Objective['parameters'],
  { engine, batchSize }: StepSetting,
): Promise<ForwardStep> {
  const program = await engine.compile({
    name,
    fn: forward.fn,
    parameters: shapesOf(parameters),
    batch: forward.batchSpec(batchSize),
  });
  return {
    run: (values, samples, random) => program.run(values, forward.collate(padded(samples, batchSize), random)),
    dispose: () => {
      program.dispose();
    },
  };
}

/** A short batch filled up with its first sample, because programs have fixed shapes. */
function padded(samples: readonly Sample[], batchSize: number): readonly Sample[] {
  const missing = batchSize - samples.length;
  return missing <= 0 ? samples : [...samples, ...Array.from({ length: missing }, () => samples[0]!)];
}

function updateState(parameters: ParameterTree, outputs: Outputs): void {
  for (const [name, { data }] of Object.entries(outputs)) {
    if (!name.startsWith(STATE_PREFIX)) continue;
    const parameter = parameters.get(name.slice(STATE_PREFIX.length));
    if (parameter === undefined) throw new Error(`The output "${name}" names no parameter.`);
    parameter.data.set(data);
  }
}

/** The scalars among the outputs: the loss and what is logged. */
export function scalarsOf(outputs: Outputs): Record<string, number> {
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([name, { shape }]) => shape.length === 0 && !name.startsWith(STATE_PREFIX))
      .map(([name, { data }]) => [name, data[0]!]),
  );
}
