import type { Sample } from '../../contracts/dataset.js';
import type { ForwardStep } from '../../contracts/objective.js';
import type { Random } from '../../contracts/random.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import { createSampler } from '../../data/loading/sampler.js';
import type { BatchSource } from '../loop/training.js';

/**
 * The samples of a data set with an encoder's features in place of their pixels: `[1, 1, F]` each.
 *
 * @param report called after each batch with the number of samples done
 */
export async function encodeSamples(
  batches: AsyncIterable<readonly Sample[]>,
  step: ForwardStep,
  parameters: ParameterTree,
  random: Random,
  report?: (done: number) => void,
): Promise<Sample[]> {
  const encoded: Sample[] = [];
  for await (const samples of batches) {
    const { features } = await step.run(parameters, samples, random);
    if (features === undefined) throw new Error('A frozen encoder must output `features`.');
    const width = features.shape[1]!;
    samples.forEach((sample, index) => {
      const pixels = (features.data as Float32Array).slice(index * width, (index + 1) * width);
      encoded.push({ ...sample, pixels, width: 1, height: 1, channels: width });
    });
    report?.(encoded.length);
  }
  return encoded;
}

/** Epochs over samples that lie in memory, in the order that a loader would give them. */
export function samplesInMemory(samples: readonly Sample[], batchSize: number, random: Random): BatchSource {
  const sampler = createSampler({ size: samples.length, batchSize, random });
  const batch = (epoch: number, index: number): Sample[] =>
    [...sampler.batch(epoch, index)].map((item) => samples[item]!);
  return {
    batchesPerEpoch: sampler.numBatches,
    batches: (epoch, first) => eachOf(sampler.numBatches, (index) => batch(epoch, index), first),
  };
}

/** Samples in memory in their own order; the last batch may be short. */
export function batchesInOrder(
  samples: readonly Sample[],
  batchSize: number,
): { readonly batchSize: number; batches(): AsyncIterable<readonly Sample[]> } {
  const count = Math.ceil(samples.length / batchSize);
  return {
    batchSize,
    batches: () => eachOf(count, (index) => samples.slice(index * batchSize, (index + 1) * batchSize)),
  };
}

async function* eachOf(
  count: number,
  batch: (index: number) => readonly Sample[],
  first = 0,
): AsyncGenerator<readonly Sample[], void, undefined> {
  for (let index = first; index < count; index++) yield await Promise.resolve(batch(index));
}
