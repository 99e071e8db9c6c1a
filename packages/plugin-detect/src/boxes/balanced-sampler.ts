import type { Random } from '@mae-tasks/core-mae/task';

/** Which candidates take part in a loss. */
export interface BalancedSample {
  readonly positives: Int32Array;
  readonly negatives: Int32Array;
}

/**
 * At most `numSamples` candidates, drawn without replacement: objects for up to `positiveFraction` of them, background
 * for the rest (detectron2's `subsample_labels`). Where all of a kind are taken, they keep their order.
 *
 * @param labels 1 for an object, 0 for background, −1 for neither
 */
export function sampleBalanced(
  labels: ArrayLike<number>,
  { numSamples, positiveFraction }: { readonly numSamples: number; readonly positiveFraction: number },
  random: Random,
): BalancedSample {
  const positives: number[] = [];
  const negatives: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 1) positives.push(i);
    else if (labels[i] === 0) negatives.push(i);
  }
  const chosen = draw(positives, Math.floor(numSamples * positiveFraction), random.fork('positives'));
  return {
    positives: chosen,
    negatives: draw(negatives, numSamples - chosen.length, random.fork('negatives')),
  };
}

/** The first steps of a shuffle: as many as are wanted. */
function draw(candidates: number[], count: number, random: Random): Int32Array {
  if (candidates.length <= count) return Int32Array.from(candidates);
  for (let i = 0; i < count; i++) {
    const j = i + random.integer(candidates.length - i);
    const swapped = candidates[i]!;
    candidates[i] = candidates[j]!;
    candidates[j] = swapped;
  }
  return Int32Array.from(candidates.slice(0, count));
}
