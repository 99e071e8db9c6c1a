import { strict as assert } from 'node:assert';
import type { Sample } from './contracts/dataset.js';
import type { Engine } from './contracts/engine.js';
import type { Objective } from './contracts/objective.js';
import type { ParameterTree } from './contracts/tensor.js';
import { allocateOnHeap, shapesOf } from './nn/params.js';
import { createRandom } from './base/random.js';
import { createTrainStep } from './train/loop/steps.js';
import { trainableShapes } from './train/loop/training.js';

/** Largest difference of the parts' means, relative to the loss and to the largest of all gradients. */
const TOLERANCE = 1e-5;

/**
 * Requires that the parts of a batch have the mean loss and gradients of the whole, where a training splits batches.
 *
 * @param samples an even number
 */
export async function requirePartsOfWhole(
  objective: Objective,
  context: { readonly engine: Engine; readonly parameters: ParameterTree; readonly samples: readonly Sample[] },
): Promise<void> {
  const { engine, parameters, samples } = context;
  const { training, name } = objective;
  if (!('collateParts' in training) || training.collateParts === undefined) return;
  const shapes = trainableShapes(objective);
  const gradientNames = Object.keys(shapes);
  const [whole, part, mean] = [allocateOnHeap(shapes), allocateOnHeap(shapes), allocateOnHeap(shapes)];
  const step = await createTrainStep(objective, { engine, batchSize: samples.length, gradients: gradientNames });
  const expected = await step.run(parameters, samples, { random: createRandom(3), gradients: whole });
  const parts = training.collateParts(samples, createRandom(3), 2);
  assert.equal(parts.length, 2, 'the number of parts');
  const program = await engine.compile({
    name: `${name}.part`,
    fn: training.fn,
    parameters: shapesOf(objective.parameters),
    batch: training.batchSpec(samples.length / 2),
    gradients: gradientNames,
  });
  let loss = 0;
  for (const batch of parts) {
    const outputs = await program.run(parameters, batch, part);
    loss += outputs.loss!.data[0]! / 2;
    for (const { name: parameter, data } of mean.values()) {
      part.get(parameter)!.data.forEach((value, index) => (data[index]! += value / 2));
    }
  }
  program.dispose();
  await step.dispose();
  const difference = Math.abs(loss - expected.loss!);
  assert.ok(difference <= TOLERANCE * Math.abs(expected.loss!), `the parts' loss is ${loss}, not ${expected.loss}`);
  const largest = Math.max(...[...whole.values()].map(({ data }) => largestOf(data)));
  for (const { name: parameter, data } of whole.values()) {
    const furthest = largestOf(data.map((value, index) => value - mean.get(parameter)!.data[index]!));
    assert.ok(furthest <= TOLERANCE * largest, `the parts' gradient of ${parameter} is ${furthest} from the whole's`);
  }
}

function largestOf(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
