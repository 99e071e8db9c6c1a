import type { Instances, Random } from '@mae-tasks/core-mae';
import { sampleBalanced } from './balanced-sampler.js';
import type { DetectorConfig } from './detector-config.js';
import { matchBoxes } from './matcher.js';
import { pickBoxes, type Proposals } from './rpn-proposals.js';

/** The proposals of one picture that the heads learn from; k of them, objects first. */
export interface SampledProposals {
  /** `[k, 4]`, `[x0, y0, x1, y1]` in pixels. */
  readonly boxes: Float32Array;
  /** `[k]`: numClasses is background. */
  readonly classes: Int32Array;
  /** `[k]`: index of the true object; without meaning for background. */
  readonly objects: Int32Array;
  readonly numObjects: number;
}

/**
 * Proposals and true boxes together, matched to the objects and drawn (detectron2's `label_and_sample_proposals`).
 *
 * @param truth the objects to find; no crowds
 */
export function sampleProposals(
  proposals: Proposals,
  truth: Instances,
  { boxHead, numClasses }: DetectorConfig,
  random: Random,
): SampledProposals {
  const candidates = new Float32Array(proposals.boxes.length + truth.boxes.length);
  candidates.set(proposals.boxes);
  candidates.set(truth.boxes, proposals.boxes.length);
  const threshold = boxHead.iouThreshold;
  const { indices, labels } = matchBoxes(candidates, truth.boxes, {
    low: threshold,
    high: threshold,
    allowLowQuality: false,
  });
  const counts = { numSamples: boxHead.proposalsPerImage, positiveFraction: boxHead.positiveFraction };
  const { positives, negatives } = sampleBalanced(labels, counts, random);
  const chosen = [...positives, ...negatives];
  return {
    boxes: pickBoxes(candidates, chosen),
    classes: Int32Array.from(chosen, (index) => (labels[index] === 1 ? truth.classes[indices[index]!]! : numClasses)),
    objects: Int32Array.from(chosen, (index) => indices[index]!),
    numObjects: positives.length,
  };
}
